// The part of opossum 10 that src/support/breaker.ts uses; the package brings no types.
declare module "opossum" {
  import type { EventEmitter } from "node:events";

  export interface Options {
    timeout: number | false;
    resetTimeout: number;
    volumeThreshold: number;
    errorThresholdPercentage: number;
    enableSnapshots: boolean;
    rollingCountBuckets: number;
    rollingPercentilesEnabled: boolean;
    rotateBucketController: EventEmitter;
  }

  export default class CircuitBreaker extends EventEmitter {
    constructor(action: (work: () => Promise<unknown>) => Promise<unknown>, options: Options);
    readonly opened: boolean;
    fire(work: () => Promise<unknown>): Promise<unknown>;
    open(): void;
    close(): void;
    shutdown(): void;
  }
}
