/** Returns the number of messages handled. */
export const runQueue: (actors: number, messages: number) => number;
