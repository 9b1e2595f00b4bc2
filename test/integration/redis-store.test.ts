import { afterAll, beforeAll, describe } from "vitest";
import { createRedisStore } from "../../src/store/redis.ts";
import { silentLogger } from "../../src/support/log.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { hasRedis, passTime, startRedis, type TestRedis } from "../support/redis.ts";
import { describeStoreContract } from "../support/store-contract.ts";

describe.skipIf(!hasRedis())("on a real redis-server", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  describeStoreContract("the Redis store", async () => {
    await redis.admin.flushall();
    const clock = new VirtualClock();
    const store = await createRedisStore({ url: redis.url, clock, log: silentLogger });
    return {
      store,
      async advance(byMs) {
        await passTime(redis.admin, byMs);
        await clock.advance(byMs);
      },
    };
  });
});
