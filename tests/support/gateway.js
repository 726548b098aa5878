// gateway.js - the gateway alone, between a test's clients and a scripted broker: a test sees every packet on both sides.
//
//   const { gateway, broker } = await startGateway(t);            // stopped, checked and removed when the test ends
//   const { client, hub } = await gateway.pair({ clientId: 'd' }); // a connected client, and the broker's end of its connection
//   const report = await hub.report();                             // the next JSON that the gateway put in
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { Client, TYPE, LIMIT_MS, packet, connectPacket, publishPacket, field, u16 } = require('./mqtt-wire.js');
const { binaries, freeAddress, makeCertificate } = require('./hub.js');

const REPORTS = '$CONTROL/twinsim-gateway/v1';

/** The fields of a CONNECT. */
function readConnect(body) {
  let at = 0;
  const u8 = () => body[at++];
  const text = () => {
    const n = body.readUInt16BE(at);
    at += 2 + n;
    return body.subarray(at - n, at);
  };
  const protocol = text().toString(), level = u8(), flags = u8();
  const keepAlive = body.readUInt16BE(at);
  at += 2;
  const properties = level === 5 ? body.subarray(at, (at += 1 + body[at])) : undefined;
  const connect = { protocol, level, clean: Boolean(flags & 2), keepAlive, properties, clientId: text().toString(), hasWill: Boolean(flags & 4) };
  if (flags & 4) Object.assign(connect, { willTopic: text(), willPayload: text() });
  if (flags & 128) connect.username = text().toString();
  if (flags & 64) connect.password = text();
  assert.equal(at, body.length, 'nothing is left of the CONNECT');
  if (connect.username?.startsWith('gw1?')) {
    const blank = connect.username.indexOf(' ');
    connect.prefix = Object.fromEntries(new URLSearchParams(connect.username.slice(4, blank)));
    connect.original = connect.username.slice(blank + 1);
  }
  return connect;
}

/** The broker's end of one connection of the gateway. */
class HubEnd extends Client {
  constructor(stream, broker) {
    super({ clientId: 'the broker' });
    this.stream = stream;
    this.broker = broker;
    this.acknowledges = false;
    this.log = []; // every packet, in order
    stream.on('error', () => {});
    stream.on('data', (chunk) => this.take(chunk));
    stream.on('end', () => this.end());
    this.gone = new Promise((resolve) => stream.on('close', resolve));
    stream.on('close', () => this.end());
  }

  arrived(p) {
    this.log.push(p);
    if (p.type === TYPE.CONNECT) {
      this.connect = readConnect(p.body);
      this.broker.entered(this);
    } else if (p.type === TYPE.PINGREQ && this.broker.options.pings !== false) {
      this.send(packet(TYPE.PINGRESP, 0));
    } else if (p.type === TYPE.DISCONNECT) {
      if (this.broker.options.prints) console.log(`${this.connect.clientId} disconnected`);
    }
    super.arrived(p);
  }

  accept({ code = 0, sessionPresent = 0, hello = true } = {}) {
    this.send(packet(TYPE.CONNACK, 0, Buffer.from([0, code])));
    if (hello && code === 0) this.hello(sessionPresent);
  }
  hello(sessionPresent, more = {}) {
    this.send(publishPacket('$gw/hello', JSON.stringify({ sessionPresent, ...more })));
  }

  /** A message as the hub sends it: with a marker. */
  publish(topic, payload = '', { flags = '0', tag = '0' } = {}) {
    this.send(publishPacket(`$gw/${flags}/${tag}/${topic}`, payload));
  }

  /** The next report, as JSON. */
  async report(options) {
    const p = await this.message(REPORTS, { ...options, what: 'a report' });
    assert.equal(p.qos, 0);
    return JSON.parse(p.payload.toString());
  }
}

class Broker {
  constructor(file, options) {
    this.file = file;
    this.options = options;
    this.ends = []; // that nobody has asked for
    this.waiting = [];
    this.all = new Set();
  }

  listen() {
    this.server = net.createServer({ allowHalfOpen: false }, (stream) => {
      const end = new HubEnd(stream, this);
      this.all.add(end);
      stream.on('close', () => this.all.delete(end));
    });
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ path: this.file, backlog: this.options.backlog }, resolve);
    });
  }

  /** kill -9: every connection and the listener at once. */
  async die() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const end of this.all) end.stream.destroy();
    await closed;
  }

  entered(end) {
    if (end.connect.clientId.startsWith('gateway//')) {
      this.link = end;
      end.accept({ hello: false, code: this.options.linkCode });
      return;
    }
    if (this.options.accepts !== false) end.accept();
    const i = this.waiting.findIndex((w) => w.clientId === end.connect.clientId);
    if (i >= 0) this.waiting.splice(i, 1)[0].resolve(end);
    else this.ends.push(end);
  }

  /** The broker's end of the next connection of that client. */
  end(clientId) {
    const i = this.ends.findIndex((e) => e.connect.clientId === clientId);
    if (i >= 0) return Promise.resolve(this.ends.splice(i, 1)[0]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no connection of ${clientId} came through`)), LIMIT_MS);
      this.waiting.push({ clientId, resolve: (end) => (clearTimeout(timer), resolve(end)) });
    });
  }
}

class Gateway {
  constructor(dir, broker) {
    this.dir = dir;
    this.broker = broker;
    this.log = '';
    this.clients = [];
    this.lastId = 0;
  }

  spawn(args) {
    const command = (this.command = [path.resolve(binaries(), '../lib/twinsim-gateway'), '--listen', `${this.host}:${this.port}`, '--broker', this.broker.file,
      '--cert', `${this.dir}/server.pem`, '--key', `${this.dir}/server.key`, ...args, '--ready-fd', '3']);
    this.process = spawn(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.process.once('close', (code, signal) => resolve(signal ?? code)));
    this.process.stderr.on('data', (chunk) => (this.log += chunk));
    return new Promise((resolve, reject) => {
      this.process.stdio[3].once('data', (chunk) => (String(chunk) === 'ready\n' ? resolve() : reject(new Error(`it said ${chunk}`))));
      this.ended.then((status) => reject(new Error(`the gateway ended with ${status}:\n${this.log}`)));
    });
  }

  /** Wait until the log, from that position on, matches. */
  logged(pattern, from = 0) {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!pattern.test(this.log.slice(from))) return;
        clearTimeout(timer);
        this.process.stderr.off('data', look);
        resolve();
      };
      const timer = setTimeout(() => reject(new Error(`the log did not show ${pattern}:\n${this.log}`)), LIMIT_MS);
      this.process.stderr.on('data', look);
      look();
    });
  }

  options(more = {}) {
    return { host: this.host, port: this.port, ca: this.ca, clientId: `c${++this.lastId}`, username: 'hub/c/?api-version=2021-04-12', password: 'secret', ...more };
  }

  /** A TLS connection that has said nothing yet. */
  async socket(more) {
    const c = await Client.socket(this.options(more));
    this.clients.push(c);
    return c;
  }

  /** A client that has sent its CONNECT, and the broker's end of it. */
  async pair(more) {
    const client = await this.socket(more);
    client.send(connectPacket(client.options));
    const hub = await this.broker.end(client.options.clientId);
    if (this.broker.options.accepts === false) return { client, hub };
    const answer = await client.next((p) => p.type === TYPE.CONNACK, 'CONNACK');
    client.connack = { sessionPresent: answer.body[0] === 1, code: answer.body[1] };
    return { client, hub };
  }

  async stop() {
    this.process.kill('SIGTERM');
    assert.equal(await this.ended, 0, `the gateway ends cleanly; its log:\n${this.log}`);
  }

  async cleanup() {
    for (const c of this.clients) c.stream.destroy();
    try {
      if (this.process?.exitCode === null && this.process.signalCode === null) await this.stop();
      assert.doesNotMatch(this.log, /AddressSanitizer|LeakSanitizer|runtime error/, 'no sanitizer has anything to say');
    } finally {
      this.process?.kill('SIGKILL');
      for (const end of this.broker.all) end.stream.destroy();
      this.broker.server.close();
      fs.rmSync(this.dir, { recursive: true, force: true });
    }
  }
}

/** A broker in a process of its own, so that a test can stop it; it prints who disconnected. */
class BrokerElsewhere {
  constructor(file, options) {
    this.file = file;
    this.options = options;
    this.all = [];
    this.output = '';
  }
  listen() {
    const script = `const { Broker } = require(${JSON.stringify(__filename)}); new Broker(process.argv[1], ${JSON.stringify({ backlog: this.options.backlog, prints: true })}).listen().then(() => console.log('listening'));`;
    this.child = spawn(process.execPath, ['-e', script, this.file], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child.stdout.on('data', (chunk) => (this.output += chunk));
    this.server = { close: () => this.child.kill('SIGKILL') };
    return this.printed('listening');
  }
  printed(text) {
    return new Promise((resolve, reject) => {
      const look = () => this.output.includes(text) && (clearTimeout(timer), resolve());
      const timer = setTimeout(() => reject(new Error(`the broker did not print '${text}', but:\n${this.output}`)), LIMIT_MS);
      this.child.stdout.on('data', look);
      look();
    });
  }
}

/** options: args for the gateway; broker: {accepts: false (the test answers), pings: false, linkCode, backlog, elsewhere: true} */
async function startGateway(t, { args = [], broker: options = {} } = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'twinsim-gateway-'));
  const broker = new (options.elsewhere ? BrokerElsewhere : Broker)(path.join(dir, 'gateway.sock'), options);
  const gateway = new Gateway(dir, broker);
  t.after(() => gateway.cleanup());
  gateway.port = 8883;
  gateway.host = await freeAddress(gateway.port);
  gateway.ca = (await makeCertificate(dir, gateway.host)).pem;
  await broker.listen();
  await gateway.spawn(args);
  return { gateway, broker };
}

/** The gateway before a real hub (support/hub.js), on an address of its own; hub.device(id, gateway.door) comes through it. */
async function gatewayBefore(t, hub, { args = [] } = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'twinsim-gateway-'));
  const gateway = new Gateway(dir, { file: hub.gatewaySocket, all: [], server: { close() {} } });
  t.after(() => gateway.cleanup());
  gateway.port = 8883;
  gateway.host = await freeAddress(gateway.port);
  gateway.ca = (await makeCertificate(dir, gateway.host)).pem;
  await gateway.spawn(args);
  gateway.door = { host: gateway.host, ca: gateway.ca };
  return gateway;
}

module.exports = { startGateway, gatewayBefore, Broker, Client, TYPE, LIMIT_MS, REPORTS, packet, connectPacket, publishPacket, field, u16, makeCertificate };
