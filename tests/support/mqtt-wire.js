// mqtt-wire.js - MQTT 3.1.1 packets over TLS, TCP or a Unix socket, byte by byte: tests can send what no library would.
//
// Every wait has a limit and says what it was waiting for. Nothing here sleeps.
'use strict';
const net = require('node:net');
const tls = require('node:tls');

const LIMIT_MS = 15000;
const TYPE = { CONNECT: 1, CONNACK: 2, PUBLISH: 3, PUBACK: 4, PUBREC: 5, PUBREL: 6, PUBCOMP: 7, SUBSCRIBE: 8, SUBACK: 9, UNSUBSCRIBE: 10, UNSUBACK: 11, PINGREQ: 12, PINGRESP: 13, DISCONNECT: 14 };
const NAME = Object.fromEntries(Object.entries(TYPE).map(([name, n]) => [n, name]));

const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const bytes = (text) => (Buffer.isBuffer(text) ? text : Buffer.from(text));
const field = (text) => Buffer.concat([u16(bytes(text).length), bytes(text)]);

function packet(type, flags, ...parts) {
  const body = Buffer.concat(parts);
  const head = [(type << 4) | flags];
  let rest = body.length;
  do {
    head.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>= 7;
  } while (rest);
  return Buffer.concat([Buffer.from(head), body]);
}

/** The bytes of a CONNECT. username, password, will: left out when undefined. */
function connectPacket({ clientId = '', username, password, clean = true, keepAlive = 60, level = 4, name = level === 3 ? 'MQIsdp' : 'MQTT', will }) {
  let flags = clean ? 2 : 0;
  const parts = [field(clientId)];
  if (will) {
    flags |= 4 | ((will.qos ?? 0) << 3) | (will.retain ? 32 : 0);
    parts.push(field(will.topic), field(will.payload ?? ''));
  }
  if (username !== undefined) {
    flags |= 128;
    parts.push(field(username));
  }
  if (password !== undefined) {
    flags |= 64;
    parts.push(field(password));
  }
  const properties = level === 5 ? [Buffer.from([0])] : [];
  return packet(TYPE.CONNECT, 0, field(name), Buffer.from([level, flags]), u16(keepAlive), ...properties, ...parts);
}

function publishPacket(topic, payload, { qos = 0, retain = false, dup = false, packetId = 1 } = {}) {
  const id = qos ? [u16(packetId)] : [];
  return packet(TYPE.PUBLISH, (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), field(topic), ...id, bytes(payload));
}

class Client {
  constructor(options) {
    this.options = options;
    this.inbox = []; // packets nobody has taken yet
    this.waiting = [];
    this.isClosed = false;
    this.acknowledges = options.acknowledges ?? true; // answer QoS 1 with PUBACK at once
    this.lastId = 0;
    this.rest = Buffer.alloc(0);
  }

  /** Connect the socket and, for TLS, finish the handshake. Sends nothing yet. */
  static async socket(options) {
    const c = new Client(options);
    await new Promise((resolve, reject) => {
      if (options.path) c.stream = net.connect({ path: options.path }, resolve);
      else if (options.ca) c.stream = tls.connect({ host: options.host, port: options.port, ca: options.ca, servername: '', minVersion: options.minVersion, maxVersion: options.maxVersion }, resolve);
      else c.stream = net.connect({ host: options.host, port: options.port }, resolve);
      c.stream.once('error', reject);
      c.stream.once('close', () => reject(new Error('closed before it was connected')));
    });
    c.stream.removeAllListeners('error');
    c.stream.on('error', () => {}); // 'close' follows
    c.stream.on('data', (chunk) => c.take(chunk));
    c.stream.on('close', () => c.end());
    if (c.stream.setNoDelay) c.stream.setNoDelay(true);
    return c;
  }

  /** Connect and log in. connack is {sessionPresent, code}, or null when the hub closed without one. */
  static async connect(options) {
    const c = await Client.socket(options);
    c.send(connectPacket(options));
    const answer = await c.next((p) => p.type === TYPE.CONNACK, 'CONNACK', { orClosed: true });
    c.connack = answer && { sessionPresent: answer.body[0] === 1, code: answer.body[1] };
    return c;
  }

  take(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      let length = 0, at = 1, shift = 0, byte;
      do {
        if (at >= this.rest.length) return;
        byte = this.rest[at++];
        length |= (byte & 127) << shift;
        shift += 7;
      } while (byte & 128);
      if (this.rest.length < at + length) return;
      const head = this.rest[0];
      const body = this.rest.subarray(at, at + length);
      this.rest = this.rest.subarray(at + length);
      this.arrived(this.read(head, body));
    }
  }

  read(head, body) {
    const p = { type: head >> 4, flags: head & 15, body };
    if (p.type === TYPE.PUBLISH) {
      const n = body.readUInt16BE(0);
      p.qos = (head >> 1) & 3;
      p.retain = Boolean(head & 1);
      p.dup = Boolean(head & 8);
      p.topic = body.toString('utf8', 2, 2 + n);
      p.packetId = p.qos ? body.readUInt16BE(2 + n) : 0;
      p.payload = Buffer.from(body.subarray(2 + n + (p.qos ? 2 : 0)));
      if (p.qos === 1 && this.acknowledges) this.send(packet(TYPE.PUBACK, 0, u16(p.packetId)));
    } else if (body.length >= 2) {
      p.packetId = body.readUInt16BE(0);
    }
    return p;
  }

  arrived(p) {
    const i = this.waiting.findIndex((w) => w.wants(p));
    if (i < 0) this.inbox.push(p);
    else this.waiting.splice(i, 1)[0].resolve(p);
  }

  end() {
    this.isClosed = true;
    for (const w of this.waiting.splice(0)) w.closed();
  }

  send(buffer) {
    if (!this.isClosed) this.stream.write(buffer);
  }

  /** The next packet that `wants` accepts, from those that came and nobody took. null when closed and orClosed. */
  next(wants, what, { ms = LIMIT_MS, orClosed = false } = {}) {
    const i = this.inbox.findIndex(wants);
    if (i >= 0) return Promise.resolve(this.inbox.splice(i, 1)[0]);
    const who = this.options.clientId ?? 'the client';
    const gone = () => new Error(`${who}: the connection was closed while waiting for ${what}`);
    if (this.isClosed) return orClosed ? Promise.resolve(null) : Promise.reject(gone());
    return new Promise((resolve, reject) => {
      const seen = () => this.inbox.map((p) => NAME[p.type] + (p.topic ? ` ${p.topic}` : '')).join(', ') || 'nothing';
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(w), 1);
        reject(new Error(`${who}: no ${what} within ${ms} ms; there was ${seen()}`));
      }, ms);
      const settle = (f) => (value) => {
        clearTimeout(timer);
        f(value);
      };
      const w = { wants, resolve: settle(resolve), closed: () => settle(orClosed ? resolve : reject)(orClosed ? null : gone()) };
      this.waiting.push(w);
    });
  }

  /** The next message whose topic starts with (or, a RegExp, matches) `topic`. */
  message(topic, options) {
    const fits = topic instanceof RegExp ? (t) => topic.test(t) : (t) => t.startsWith(topic);
    return this.next((p) => p.type === TYPE.PUBLISH && fits(p.topic), `a message on ${topic}`, options);
  }

  /** Messages that came and nobody took. */
  messages() {
    return this.inbox.filter((p) => p.type === TYPE.PUBLISH);
  }

  packetId() {
    this.lastId = (this.lastId % 65535) + 1;
    return this.lastId;
  }

  /** Returns what was granted for each filter; rejects when the hub closes instead. */
  async subscribe(filters, qos = 0) {
    const list = [filters].flat();
    const id = this.packetId();
    this.send(packet(TYPE.SUBSCRIBE, 2, u16(id), ...list.map((f) => Buffer.concat([field(f), Buffer.from([qos])]))));
    const answer = await this.next((p) => p.type === TYPE.SUBACK && p.packetId === id, `SUBACK for ${list}`);
    return [...answer.body.subarray(2)];
  }

  async unsubscribe(filters) {
    const id = this.packetId();
    this.send(packet(TYPE.UNSUBSCRIBE, 2, u16(id), ...[filters].flat().map(field)));
    await this.next((p) => p.type === TYPE.UNSUBACK && p.packetId === id, 'UNSUBACK');
  }

  /** QoS 1: waits for the PUBACK; rejects when the hub closes instead. */
  async publish(topic, payload = '', { qos = 0, retain = false, dup = false } = {}) {
    const packetId = qos ? this.packetId() : 0;
    this.send(publishPacket(topic, payload, { qos, retain, dup, packetId }));
    if (qos === 1) await this.next((p) => p.type === TYPE.PUBACK && p.packetId === packetId, `PUBACK for ${topic}`);
  }

  /** A round trip: what was sent before has been dealt with. */
  async ping() {
    this.send(packet(TYPE.PINGREQ, 0));
    await this.next((p) => p.type === TYPE.PINGRESP, 'PINGRESP');
  }

  /** Resolves when the hub has closed the connection. */
  closed(ms = LIMIT_MS) {
    if (this.isClosed) return Promise.resolve();
    return this.next(() => false, 'the end of the connection', { ms, orClosed: true });
  }

  /** Leave as MQTT wants it: DISCONNECT, then close. */
  async disconnect() {
    if (this.isClosed) return;
    this.send(packet(TYPE.DISCONNECT, 0));
    this.stream.end();
    await this.closed();
  }

  /** Break off: the hub sees a lost connection. */
  async drop() {
    if (this.isClosed) return;
    const end = this.closed();
    this.stream.destroy();
    await end;
  }

  /* --- twins, in the device's words --- */

  async twinGet(rid, body = '', options = {}) {
    await this.publish(`$iothub/twin/GET/?$rid=${rid}`, body, options);
    return this.twinAnswer(rid);
  }

  async twinPatch(rid, patch, { ifVersion, ...options } = {}) {
    const body = Buffer.isBuffer(patch) || typeof patch === 'string' ? patch : JSON.stringify(patch);
    const version = ifVersion === undefined ? '' : `&$version=${ifVersion}`;
    await this.publish(`$iothub/twin/PATCH/properties/reported/?$rid=${rid}${version}`, body, options);
    return this.twinAnswer(rid);
  }

  /** {status, version, text, body} of the answer to that request. */
  async twinAnswer(rid, options) {
    const fits = (t) => {
      const tail = t.replace(/^\$iothub\/twin\/res\/\d+\//, '');
      return tail !== t && (tail === `?$rid=${rid}` || tail.startsWith(`?$rid=${rid}&$version=`));
    };
    const p = await this.next((x) => x.type === TYPE.PUBLISH && fits(x.topic), `an answer to rid ${rid}`, options);
    const text = p.payload.toString();
    return {
      status: Number(p.topic.split('/')[3]),
      version: p.topic.includes('&$version=') ? Number(p.topic.split('&$version=')[1]) : undefined,
      topic: p.topic, qos: p.qos, text, body: text ? JSON.parse(text) : undefined,
    };
  }
}

module.exports = { Client, TYPE, LIMIT_MS, packet, connectPacket, publishPacket, field, u16 };
