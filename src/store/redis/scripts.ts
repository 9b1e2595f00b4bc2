// The changes that no single command makes atomically, and one for many values at once. Each runs as one command, so readers and a lost
// connection see it done or not begun. The number of keys is in the name. At the memory limit Redis still takes what a script adds after it deleted.
import { createHash } from "node:crypto";

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

const script = (lua: string): Script => ({ lua, sha: createHash("sha1").update(lua).digest("hex") });

/**
 * KEYS: the set. ARGV: seconds to live or "", then the members, at least one.
 * Makes the set exactly the members, whatever was there. Members are added in pieces that fit Lua's stack.
 */
export const replaceSet1 = script(`
redis.call('DEL', KEYS[1])
for i = 2, #ARGV, 1000 do
  redis.call('SADD', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
if ARGV[1] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return 1
`);

/**
 * KEYS: the list, its ids (a list too). ARGV: id, entry, entries kept, ids kept, seconds to live.
 * Puts the entry in front and cuts the list, unless the id is remembered; answers 1 when it did. Both keys then live that long.
 * Ids without their list are of a list that is gone, so they are forgotten.
 */
export const appendLog2 = script(`
local appended = 0
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
if not redis.call('LPOS', KEYS[2], ARGV[1]) then
  redis.call('LPUSH', KEYS[1], ARGV[2])
  redis.call('LTRIM', KEYS[1], 0, ARGV[3] - 1)
  redis.call('LPUSH', KEYS[2], ARGV[1])
  redis.call('LTRIM', KEYS[2], 0, ARGV[4] - 1)
  appended = 1
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return appended
`);

/**
 * KEYS: one for each value. ARGV: for each value its kind, the number of arguments that follow, seconds to live or "", and what the kind
 * takes: `string` the value, `hash` names and values, `series` score, member and the highest score that is dropped.
 * Answers for each value, in order: 1, or the error that it was refused with. A server at its memory limit refuses the first one; what
 * follows is not tried then, since it would be let through once anything was removed.
 */
export const putValues = script(`
local put = {}
function put.string(key, at)
  if ARGV[at] == '' then redis.call('SET', key, ARGV[at + 1])
  else redis.call('SET', key, ARGV[at + 1], 'EX', ARGV[at]) end
end
function put.hash(key, at, last)
  for i = at + 1, last, 1000 do
    redis.call('HSET', key, unpack(ARGV, i, math.min(i + 999, last)))
  end
  if ARGV[at] == '' then redis.call('PERSIST', key) else redis.call('EXPIRE', key, ARGV[at]) end
end
function put.series(key, at)
  redis.call('ZADD', key, ARGV[at + 1], ARGV[at + 2])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', ARGV[at + 3])
  redis.call('EXPIRE', key, ARGV[at])
end
local answers = {}
local at = 1
for i, key in ipairs(KEYS) do
  local last = at + 1 + ARGV[at + 1]
  local ok, problem = pcall(put[ARGV[at]], key, at + 2, last)
  if ok then answers[i] = 1
  else
    answers[i] = type(problem) == 'table' and problem.err or problem
    if string.find(answers[i], 'OOM ', 1, true) then break end
  end
  at = last + 1
end
return answers
`);

export const scripts: readonly Script[] = [replaceSet1, appendLog2, putValues];
