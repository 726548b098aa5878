// driver.js - the driver of one language: started once, asked in JSON lines (README.md, "A driver").
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { Mailbox, within } = require('./mailbox.js');

const ROOT = path.resolve(__dirname, '../../..');

/** What a driver said went wrong: kind and status of README.md's table. */
class SdkError extends Error {
  constructor(what, { kind, status, message }) {
    super(`${what}: ${kind}${status ? ` ${status}` : ''}: ${message}`);
    Object.assign(this, { kind, status });
  }
}

class Driver {
  /** language: a folder beside this one. ca: the PEM file that it has to trust. Resolves when it has said hello. */
  static async start(language, ca) {
    const d = new Driver();
    const dir = path.join(__dirname, '..', language);
    const build = path.join(ROOT, 'build-test', `sdk-${language}`);
    const fill = (text) => text.replaceAll('${ca}', ca).replaceAll('${root}', ROOT).replaceAll('${build}', build);
    const settings = JSON.parse(fs.readFileSync(path.join(dir, 'driver.json'), 'utf8'));
    const command = settings.command.map(fill);
    const env = Object.fromEntries(Object.entries(settings.env ?? {}).map(([name, value]) => [name, fill(value)]));
    fs.mkdirSync(build, { recursive: true });
    d.log = path.join(build, 'driver.log');
    const log = fs.openSync(d.log, 'w');
    d.process = spawn(command[0], command.slice(1), { cwd: dir, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', log] });
    fs.closeSync(log);
    d.process.stdin.on('error', () => {}); // 'close' tells
    d.ended = new Promise((resolve) => {
      d.process.once('error', (error) => resolve(error.message));
      d.process.once('close', (code, signal) => resolve(signal ?? code));
    });
    d.ended.then((how) => d.end(how));
    const hello = new Promise((resolve, reject) => {
      d.greeted = resolve;
      d.ended.then((how) => reject(new Error(`${command[0]} ended with ${how} before it said hello; see ${d.log}`)));
    });
    readline.createInterface({ input: d.process.stdout }).on('line', (line) => d.heard(line));
    d.hello = await within(hello, `the ${language} driver says hello`, 60000);
    return d;
  }

  constructor() {
    this.calls = new Map();
    this.last = 0;
    this.clients = new Map();
  }

  heard(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      throw new Error(`the driver printed a line that is no JSON: ${line}`);
    }
    if (message.hello) this.greeted(message.hello);
    else if (message.event) this.clients.get(message.client)?.told(message);
    else {
      const call = this.calls.get(message.id);
      this.calls.delete(message.id);
      if (message.error) call?.reject(new SdkError(call.what, message.error));
      else call?.resolve(message.ok);
    }
  }

  request(client, what, members = {}) {
    const id = ++this.last;
    const answer = new Promise((resolve, reject) => {
      if (this.how !== undefined) reject(new Error(`the driver has ended with ${this.how}`));
      this.calls.set(id, { what: `${client} ${what}`, resolve, reject });
      this.process.stdin.write(`${JSON.stringify({ id, client, do: what, ...members })}\n`);
    });
    return within(answer, `${client}: ${what} is done`);
  }

  end(how) {
    this.how = how;
    for (const call of this.calls.values()) call.reject(new Error(`the driver ended with ${how}; see ${this.log}`));
    for (const client of this.clients.values()) client.mail.close(`the driver ended with ${how}`);
  }

  /** Resolves to the exit status. */
  async quit() {
    this.process.stdin.end(`${JSON.stringify({ id: ++this.last, do: 'quit' })}\n`);
    try {
      return await within(this.ended, 'the driver ends', 15000);
    } finally {
      this.process.kill('SIGKILL');
    }
  }
}

const SUBSCRIPTION = { desired: /PATCH\/properties\/desired/, methods: /methods\/POST/, messages: /devicebound/, inputs: /\/inputs\/|\/modules\/[^/]+\/#/ };

/** One client of the SDK, on the far side of the driver. */
class SdkClient {
  constructor(x, id, name) {
    Object.assign(this, { x, id, name, driver: x.driver, mail: new Mailbox(name), handlers: {}, listening: new Set(), completes: true });
    this.driver.clients.set(name, this);
  }

  request(what, members) {
    return this.driver.request(this.name, what, members);
  }

  told(message) {
    if (message.event === 'method' && this.handlers[message.name]) {
      this.handle(message).catch((error) => this.mail.close(error.message));
      return;
    }
    if (message.message !== undefined && this.completes) this.request('settle', { message: message.message, how: 'complete' }).catch(() => {}); // it may leave meanwhile
    const bytes = Buffer.from(message.bodyBase64 ?? message.body ?? '', message.bodyBase64 === undefined ? 'utf8' : 'base64');
    this.mail.put({ ...message, bytes, body: bytes.toString() });
  }

  async handle({ call, name, payload }) {
    const answer = await this.handlers[name](payload);
    if (answer) await this.answer(call, answer);
  }

  /** The next event of that kind for which `fits` holds; others stay. */
  hears(event, fits = () => true, what = event) {
    return this.mail.next((m) => m.event === event && fits(m), what);
  }

  /** Those that came and nobody took. */
  unheard(event) {
    return this.mail.items.filter((m) => m.event === event);
  }

  /** The next desired change, for which `fits` holds. */
  async change(fits = () => true) {
    return (await this.hears('desired', (m) => fits(m.patch), 'desired change')).patch;
  }

  /** Begin to listen; resolves when the hub has the subscription. */
  async listen(what, members) {
    await this.request('listen', { what, ...members });
    if (this.listening.has(what)) return;
    this.listening.add(what);
    await this.x.event('subscribed', (e) => SUBSCRIPTION[what].test(e.filter), { of: this.id });
  }

  /** Methods that are answered: {name: (payload) => {status, payload}}; nothing returned, and it is not answered. */
  async onMethods(handlers) {
    Object.assign(this.handlers, handlers);
    await this.listen('methods', { names: Object.keys(this.handlers) });
  }

  answer(call, { status, payload }) {
    return this.request('answer', { call, status, payload });
  }

  twin() {
    return this.request('twin');
  }
  report(patch) {
    return this.request('report', { patch });
  }
  send(message) {
    return this.request('send', { message });
  }
  async disconnect() {
    await this.request('disconnect');
    this.driver.clients.delete(this.name);
  }
}

module.exports = { Driver, SdkClient, SdkError };
