// memory.js - vectors in memory: a child process (memory_hub.c) that puts each packet through hub_handle, one line of JSON a turn.
'use strict';
const { spawn } = require('node:child_process');
const path = require('node:path');
const { binaries } = require('../../support/hub.js');

class Memory {
  static async start() {
    const m = new Memory();
    m.process = spawn(path.join(binaries(), 'memory_hub'), { stdio: ['pipe', 'pipe', 'inherit'] });
    m.waiting = [];
    m.rest = '';
    m.ended = new Promise((resolve) => m.process.once('close', (code, signal) => {
      for (const w of m.waiting.splice(0)) w.reject(new Error(`memory_hub ended with ${signal ?? code}; its last words are above`));
      resolve(signal ?? code);
    }));
    m.process.stdin.on('error', () => {});
    m.process.stdout.on('data', (chunk) => {
      m.rest += chunk;
      for (let end; (end = m.rest.indexOf('\n')) >= 0; m.rest = m.rest.slice(end + 1)) m.waiting.shift().resolve(JSON.parse(m.rest.slice(0, end)).out);
    });
    return m;
  }

  /** One turn; resolves to what came out of it, in order. */
  do(op) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.process.stdin.write(`${JSON.stringify(op)}\n`);
    });
  }

  async stop() {
    this.process.stdin.end();
    const code = await this.ended;
    if (code !== 0) throw new Error(`memory_hub ended with ${code}`);
  }

  /** A fresh hub. */
  async reset(options) {
    await this.do({ op: 'reset', options });
    this.services = new Set();
  }

  async step(step, log) {
    const { client } = step;
    const op = {
      connect: () => ({ op: 'connect', client, clientId: step.login.clientId, userName: step.login.username, password: step.login.password, clean: step.login.clean, keepAlive: step.login.keepAlive, protocol: step.login.level, acknowledge: step.login.acknowledges, ...(step.login.will && { will: { ...step.login.will, payload: step.login.will.payload.toString('base64') } }) }),
      subscribe: () => ({ op: 'subscribe', client, filters: step.filters, qos: step.qos }),
      unsubscribe: () => ({ op: 'unsubscribe', client, filters: step.filters }),
      publish: () => ({ op: 'publish', client, topic: step.topic, payload: step.bytes.toString('base64'), qos: step.qos, retain: step.retain }),
      puback: () => ({ op: 'puback', client, nth: step.nth }),
      disconnect: () => ({ op: 'leave', client, graceful: true }),
      drop: () => ({ op: 'leave', client, graceful: false }),
      command: () => ({ op: 'command', command: step.command, ...(step.policy && { client: step.policy }) }),
      pass: () => ({ op: 'pass', us: step.us }),
      restart: () => ({ op: 'restart' }),
    }[step.kind];
    if (!op) throw new Error(`'${step.kind}' is for vectors that run over the wire only`);
    if (step.policy && !this.services.has(step.policy)) {
      await this.do({ op: 'service', client: step.policy, policy: step.policy });
      this.services.add(step.policy);
    }
    for (const out of await this.do(op())) {
      if (out.event !== undefined) log.event(out.event);
      else if (out.notice !== undefined) log.notice(out.topic, out.notice);
      else if (out.response !== undefined) log.response(out.response);
      else if (out.topic !== undefined) log.publish(out.to, out.topic, out.qos, Buffer.from(out.payload, 'base64'), out.dup);
      else log.other(out);
    }
  }

  /** A command of the runner's own; resolves to its response's text. */
  async ask(command) {
    const out = await this.do({ op: 'command', command });
    return out.find((o) => o.response !== undefined).response;
  }

  async begin() {} // what setting up caused has been read already
}

module.exports = { Memory };
