// Runs before every test file. A frozen prototype turns any prototype pollution into a visible error.
Object.freeze(Object.prototype);
