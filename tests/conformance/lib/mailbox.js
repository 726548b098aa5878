// mailbox.js - things that arrive, and waiting for those one wants. Every wait has a limit and says what it was waiting for.
'use strict';

const LIMIT_MS = 30000;

class Mailbox {
  constructor(owner) {
    this.owner = owner;
    this.items = []; // nobody has taken them yet
    this.waiting = [];
  }

  put(item) {
    const i = this.waiting.findIndex((w) => w.fits(item));
    if (i < 0) this.items.push(item);
    else this.waiting.splice(i, 1)[0].resolve(item);
  }

  /** The first that fits, of those that came and nobody took; others stay. */
  next(fits, what, limit = LIMIT_MS) {
    const i = this.items.findIndex(fits);
    if (i >= 0) return Promise.resolve(this.items.splice(i, 1)[0]);
    return new Promise((resolve, reject) => {
      const w = { fits };
      const settle = (f) => (value) => {
        clearTimeout(timer);
        f(value);
      };
      const timer = setTimeout(() => w.reject(new Error(`${this.owner}: no ${what} within ${limit} ms; there was ${this.items.map((item) => item.kind ?? item.event).join(', ') || 'nothing'}`)), limit);
      w.resolve = settle(resolve);
      w.reject = (error) => {
        this.waiting = this.waiting.filter((other) => other !== w);
        settle(reject)(error);
      };
      this.waiting.push(w);
    });
  }

  /** Nothing will come any more. */
  close(reason) {
    for (const w of [...this.waiting]) w.reject(new Error(`${this.owner}: ${reason}`));
  }
}

/** The promise's value, or an error that says what did not happen. */
function within(promise, what, limit = LIMIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limit} ms`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

module.exports = { Mailbox, within, LIMIT_MS };
