// twinsim.js - the command line as a person uses it: run a verb, start a hub with `twinsim up`.
//
//   const { twinsim, up } = require('../support/twinsim.js');
//   const hub = await up(t);                                 // a fresh data directory, a fresh loopback address; stopped when the test ends
//   await hub.ok('device', 'create', 'edge-1');              // exit code 0, resolves to standard output
//   const r = await hub.run('twin', 'show', 'nobody');       // { code, stdout, stderr }
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { binaries, freeAddress, sanitizerEnvironment } = require('./hub.js');

const LIMIT_MS = 20000;

/** A temporary directory that is gone when the test is over. */
function temporary(t, name = 'twinsim-cli-') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), name));
  t.after(() => {
    if (!process.env.TWINSIM_KEEP) fs.rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

/** One data home, and so one CA, for this process. */
let home;
function dataHome() {
  if (!home) {
    home = fs.mkdtempSync(path.join(os.tmpdir(), 'twinsim-home-'));
    process.once('exit', () => fs.rmSync(home, { recursive: true, force: true }));
  }
  return home;
}

function environment(more = {}) {
  const { LD_PRELOAD, ...sanitizer } = sanitizerEnvironment();
  const { TWINSIM_DATA, ...mine } = process.env;
  return { ...mine, ...sanitizer, ...(LD_PRELOAD && { TWINSIM_BROKER_PRELOAD: LD_PRELOAD }), XDG_DATA_HOME: dataHome(), ...more };
}

/** A running process: its output so far, and what can be waited for. */
class Running {
  constructor(args, { env, ...options } = {}) {
    this.stdout = '';
    this.stderr = '';
    this.process = spawn(path.join(binaries(), 'twinsim'), args, { env: environment(env), stdio: ['pipe', 'pipe', 'pipe'], ...options });
    this.process.stdout?.on('data', (chunk) => (this.stdout += chunk));
    this.process.stderr?.on('data', (chunk) => (this.stderr += chunk));
    this.ended = new Promise((resolve) =>
      this.process.once('close', (code, signal) => resolve({ code: signal ?? code, stdout: this.stdout, stderr: this.stderr })));
  }

  get isRunning() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Resolves to the match once what stands in `stream` matches; rejects when it ends first, or after the limit. */
  shows(pattern, stream = 'stdout') {
    return new Promise((resolve, reject) => {
      const source = this.process[stream];
      const done = (f, value) => {
        clearTimeout(timer);
        source.off('data', look);
        f(value);
      };
      const look = () => {
        const found = pattern.exec(this[stream]);
        if (found) done(resolve, found);
      };
      const timer = setTimeout(() => done(reject, new Error(`${stream} did not show ${pattern} in time:\n${this.stdout}${this.stderr}`)), LIMIT_MS);
      source.on('data', look);
      this.ended.then(({ code }) => done(reject, new Error(`it ended with ${code} before ${stream} showed ${pattern}:\n${this.stdout}${this.stderr}`)));
      look();
    });
  }
}

/** Run a verb to its end. The last argument may be options: { env, input, cwd }. */
async function twinsim(...args) {
  const { input = '', ...options } = typeof args.at(-1) === 'object' ? args.pop() : {};
  const running = new Running(args, options);
  const timer = setTimeout(() => running.process.kill('SIGKILL'), LIMIT_MS);
  running.process.stdin.on('error', () => {}); // it may end without reading
  running.process.stdin.end(input);
  const result = await running.ended;
  clearTimeout(timer);
  assert.doesNotMatch(result.stderr, /AddressSanitizer|LeakSanitizer|runtime error/, 'no sanitizer has anything to say');
  return result;
}

class Hub {
  constructor(data, host) {
    this.data = data;
    this.host = host;
  }

  run(...args) {
    const options = typeof args.at(-1) === 'object' ? args.pop() : {};
    return twinsim(...args, '--data', this.data, options);
  }

  /** A verb that must succeed; resolves to what it printed. */
  async ok(...args) {
    const result = await this.run(...args);
    assert.equal(result.code, 0, `twinsim ${args.filter((a) => typeof a === 'string').join(' ')} succeeds: ${result.stderr}`);
    return result.stdout;
  }

  /** The same with --json; resolves to the document. */
  async json(...args) {
    const options = typeof args.at(-1) === 'object' ? args.pop() : {};
    return JSON.parse(await this.ok(...args, '--json', options));
  }

  file() {
    return JSON.parse(fs.readFileSync(path.join(this.data, 'hub.json'), 'utf8'));
  }

  /** `twinsim up` in the foreground; resolves when it is ready. */
  async start(...args) {
    this.up = new Running(['up', '--data', this.data, '--host', this.host, ...args]);
    this.ready = await this.up.shows(/^ready .*\n|^\{"ready".*\n/m);
    return this;
  }

  /** Stop it as Ctrl-C does; resolves to the exit code and all that was printed. */
  async stop() {
    this.up.process.kill('SIGINT');
    const result = await this.up.ended;
    this.checkLog();
    return result;
  }

  log() {
    return fs.readFileSync(path.join(this.data, 'broker.log'), 'utf8');
  }

  checkLog() {
    const text = fs.existsSync(path.join(this.data, 'broker.log')) ? this.log() : '';
    assert.doesNotMatch(text + (this.up?.stderr ?? ''), /AddressSanitizer|LeakSanitizer|runtime error/, 'no sanitizer has anything to say');
  }
}

/** A hub that was started by `twinsim up` in the foreground. options: { data, host, args } */
async function up(t, { data, host, args = [] } = {}) {
  const hub = new Hub(data ?? path.join(temporary(t), 'data'), host ?? (await freeAddress(8883)));
  t.after(async () => {
    if (hub.up?.isRunning) assert.equal((await hub.stop()).code, 0, `the hub ends cleanly: ${hub.up.stderr}`);
  });
  return hub.start(...args);
}

/** A data directory and an address, without a hub on them yet. */
async function place(t) {
  const hub = new Hub(path.join(temporary(t), 'data'), await freeAddress(8883));
  t.after(async () => {
    if (hub.up?.isRunning) await hub.stop();
    await twinsim('down', '--data', hub.data);
  });
  return hub;
}

module.exports = { Hub, Running, dataHome, environment, place, temporary, twinsim, up };
