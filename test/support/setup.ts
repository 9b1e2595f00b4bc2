// Runs before every test file. A sealed prototype turns prototype pollution into a visible error. It is not frozen: then no
// library could give a class of its own a toString.
Object.seal(Object.prototype);
