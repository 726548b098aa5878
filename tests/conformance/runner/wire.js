// wire.js - vectors over MQTT and TLS, against a real broker with the plugin. Several vectors share a hub, one after the other.
//
// Nothing here sleeps: behind each step every client makes round trips, so that whatever the step caused has come.
'use strict';
const { Client, TYPE, packet, connectPacket, publishPacket, field, u16 } = require('../../support/mqtt-wire.js');
const { startHub, CONTROL, sas } = require('../../support/hub.js');

const SEED = 'a seed for tests'; // that of support/hub_world.h
const START_US = 1893456000n * 1000000n; // 2030-01-01T00:00:00Z
const FAR = 4102444800; // tokens of service clients outlive every clock
const LIMIT_MS = 10000;
const ARRIVAL_MS = 5000;

const microseconds = (iso) => {
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(iso);
  return BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
};
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** A client that keeps all that comes, in order. */
async function open(options) {
  const c = await Client.socket(options);
  const arrived = c.arrived.bind(c);
  c.log = [];
  c.barriers = new Set();
  c.unacknowledged = []; // packet ids of messages
  c.arrived = (p) => {
    if (!(p.type === TYPE.UNSUBACK && c.barriers.delete(p.packetId))) c.log.push(p);
    else p.isBarrier = true;
    if (p.type === TYPE.PUBLISH && p.qos && p.topic.includes('/messages/devicebound/')) c.unacknowledged.push(p.packetId);
    arrived(p);
    for (const wake of c.wakes?.splice(0) ?? []) wake();
  };
  c.wakes = [];
  c.stream.on('close', () => c.wakes.splice(0).forEach((wake) => wake()));
  return c;
}

/** A round trip that the hub hears of and nobody else: an UNSUBSCRIBE from what was never subscribed. */
async function roundTrip(c) {
  if (c.isClosed) return;
  const id = 60000 + (c.trips = ((c.trips ?? 0) + 1) % 5000);
  c.barriers.add(id);
  c.send(packet(TYPE.UNSUBSCRIBE, 2, u16(id), field('vectors/barrier')));
  await c.next((p) => p.isBarrier && p.packetId === id, 'the answer to a round trip', { ms: LIMIT_MS, orClosed: true });
}

class Wire {
  static async start(options = {}) {
    const w = new Wire();
    w.cleanups = [];
    w.options = options;
    const { gateway, ...plugin } = options;
    const gatewayArgs = gateway?.maxIdle ? ['--max-idle', String(gateway.maxIdle)] : [];
    w.hub = await startHub({ after: (f) => w.cleanups.push(f) }, { gateway: gateway !== false, gatewayArgs, plugin: { keySeed: SEED, ...plugin } });
    w.clients = new Map();
    w.number = 0;
    await w.comeUp();
    return w;
  }

  /** After a start of the hub: the service clients, the event stream, and the hub's clock. */
  async comeUp() {
    this.service = await this.serviceClient('iothubowner');
    this.policies = new Map();
    await this.service.subscribe(['$twinsim/v1/#', '$twinsim/hub-events/v1/#'], 0);
    const [{ time }] = await this.all([{ command: 'clock.freeze' }]);
    await this.all(this.toStart(time));
  }

  /** The command that sets the hub's clock from that time to its first moment; none when it stands there. */
  toStart(time) {
    const by = START_US - microseconds(time);
    const text = (us) => `PT${us / 1000000n}.${String(us % 1000000n).padStart(6, '0')}S`;
    return by === 0n ? [] : [{ command: 'clock.advance', by: by < 0n ? `-${text(-by)}` : text(by) }];
  }

  async serviceClient(policy) {
    const c = await open(this.hub.serviceLogin(policy));
    const key = sas.policyKey(policy, SEED);
    c.send(connectPacket({ ...this.hub.serviceLogin(policy), password: sas.token({ sr: this.hub.hostname, key, skn: policy, se: FAR }) }));
    const answer = await c.next((p) => p.type === TYPE.CONNACK, 'CONNACK', { orClosed: true });
    if (answer?.body[1] !== 0) throw new Error(`the service client was not accepted; the hub's log:\n${this.hub.log}`);
    return c;
  }

  /** Send one command and wait for its answer, unless that comes later. Resolves to its text, or null. */
  async command(command, { by = this.service, isLater = false } = {}) {
    const mark = command.correlationData ?? `own-${++this.number}`;
    const id = by.packetId();
    by.send(publishPacket(CONTROL, JSON.stringify({ commands: [{ correlationData: mark, ...command }] }), { qos: 1, packetId: id }));
    const isIt = (p) => p.type === TYPE.PUBLISH && p.topic === `${CONTROL}/response` && p.payload.includes(`"correlationData":${JSON.stringify(mark)}`);
    const answer = isLater ? null : await by.next(isIt, `an answer to ${command.command}`, { ms: LIMIT_MS });
    return answer && Wire.response(answer);
  }

  static response(p) {
    return p.payload.toString().replace(/^\{"responses":\[/, '').replace(/\]\}$/, '');
  }

  /** Several commands in one message, which must succeed; resolves to their bodies. */
  async all(commands) {
    if (commands.length === 0) return [];
    const mark = `own-${++this.number}`;
    const id = this.service.packetId();
    this.service.send(publishPacket(CONTROL, JSON.stringify({ commands: commands.map((c) => ({ correlationData: mark, ...c })) }), { qos: 1, packetId: id }));
    const isIt = (p) => p.type === TYPE.PUBLISH && p.topic === `${CONTROL}/response` && p.payload.includes(`"correlationData":"${mark}"`);
    const { responses } = JSON.parse((await this.service.next(isIt, `answers to ${commands[0].command}`, { ms: LIMIT_MS })).payload.toString());
    const bad = responses.find((r) => r.status !== 200);
    if (bad) throw new Error(`${bad.command}: ${JSON.stringify(bad.body)}`);
    return responses.map((r) => r.body);
  }

  ask(command) {
    return this.command(command);
  }

  async stop() {
    for (const c of this.clients.values()) c.stream.destroy();
    this.service.stream.destroy();
    for (const f of this.cleanups) await f();
  }

  /** As after the first start: nobody registered, nobody connected, no fault, the first moment of 2030. */
  async reset() {
    for (const c of this.clients.values()) c.stream.destroy();
    this.clients.clear();
    for (const c of this.policies.values()) c.stream.destroy();
    this.policies.clear();
    const [, { items }, { time }] = await this.all([{ command: 'fault.clear' }, { command: 'device.list' }, { command: 'clock.show' }]);
    await this.all([...items.map(({ deviceId }) => ({ command: 'device.delete', deviceId })), ...this.toStart(time)]);
  }

  async settle(actor) {
    if (actor) {
      await roundTrip(actor);
      await roundTrip(actor);
    }
    const everybody = (others) => Promise.all([...others.map(roundTrip), this.command({ command: 'hub.status' })]);
    await everybody([...this.clients.values()].filter((c) => c !== actor));
    // A message that came has been acknowledged, which may bring another: until no more come.
    const messages = () => [...this.clients.values()].reduce((n, c) => n + c.log.filter((p) => p.type === TYPE.PUBLISH && p.qos).length, 0);
    for (let n = 0; messages() > n;) {
      n = messages();
      await Promise.all([...this.clients.values()].map(roundTrip));
      await everybody([]);
    }
  }

  /** What came before is none of the steps'. */
  async begin() {
    await this.settle();
    for (const c of [this.service, ...this.clients.values()]) c.log.length = 0;
  }

  /** expected: how many packets of each client are known to come: {name: n}. */
  async step(step, log, expected = {}) {
    const action = {
      connect: this.connect, subscribe: this.subscribe, unsubscribe: this.unsubscribe, publish: this.publish, puback: this.puback, disconnect: this.disconnect, drop: this.drop, ping: this.ping, send: this.send,
      command: this.run, pass: this.pass, restart: this.restart, silence: this.silence,
    }[step.kind];
    for (const c of [this.service, ...this.clients.values(), ...this.policies.values()]) c.inbox.length = 0; // all of it is in the logs
    await action.call(this, step);
    await this.settle(this.clients.get(step.client));
    if (step.kind !== 'restart') await this.endsTold();
    for (const [name, n] of Object.entries(expected)) if (this.clients.has(name)) await this.arrival(this.clients.get(name), n);
    this.tell(log);
  }

  /** A client may see its end before the hub does: each that was accepted has its event. */
  async endsTold() {
    const gone = [...this.clients.values()].filter((c) => c.isClosed && !c.isTold && c.isAccepted).length;
    const told = () => this.service.log.filter((p) => p.type === TYPE.PUBLISH && p.topic.startsWith('$twinsim/v1/') && p.topic.endsWith('/disconnected')).length;
    const until = Date.now() + ARRIVAL_MS;
    if (told() >= gone) return;
    while (told() < gone && Date.now() < until) await Promise.race([new Promise((resolve) => this.service.wakes.push(resolve)), later(until - Date.now())]);
    await this.command({ command: 'hub.status' }); // what else that turn had to say
  }

  /** Wait until so many packets (its end counts as one) have come; no more than that is an error of the vector, said by the comparison. */
  async arrival(c, n) {
    const until = Date.now() + ARRIVAL_MS;
    while (c.log.length + (c.isClosed && !c.isTold ? 1 : 0) < n && Date.now() < until) await Promise.race([new Promise((resolve) => c.wakes.push(resolve)), later(until - Date.now())]);
  }

  tell(log) {
    for (const [name, c] of this.clients) {
      for (const p of c.log.splice(0)) this.tellPacket(log, name, p);
      if (c.isClosed && !c.isTold) {
        c.isTold = true;
        if (!c.isLeft) log.other({ to: name, closed: true });
      }
    }
    for (const p of this.service.log.splice(0)) this.tellService(log, p);
    for (const c of this.policies.values()) for (const p of c.log.splice(0)) this.tellService(log, p);
  }

  tellPacket(log, name, p) {
    switch (p.type) {
      case TYPE.PUBLISH:
        return log.publish(name, p.topic, p.qos, p.payload, p.dup);
      case TYPE.CONNACK:
        return log.other({ to: name, connack: p.body[1], present: p.body[0] });
      case TYPE.SUBACK:
        return log.other({ to: name, suback: [...p.body.subarray(2)] });
      case TYPE.UNSUBACK:
        return log.other({ to: name, unsuback: true });
      case TYPE.PUBACK:
        return log.other({ to: name, puback: true });
      case TYPE.PINGRESP:
        return log.other({ to: name, pingresp: true });
      default:
        return log.other({ to: name, packet: p.type });
    }
  }

  tellService(log, p) {
    if (p.type !== TYPE.PUBLISH) return;
    if (p.topic.startsWith('$twinsim/v1/')) log.event(p.payload.toString());
    else if (p.topic.startsWith('$twinsim/hub-events/')) log.notice(p.topic, p.payload.toString());
    else if (p.topic === `${CONTROL}/response` && !p.payload.includes('"correlationData":"own-')) log.response(Wire.response(p));
  }

  /* --- steps --- */

  async connect({ client, login }) {
    const c = await open({ host: this.hub.host, port: this.hub.port, ca: this.hub.ca, clientId: login.clientId });
    c.acknowledges = login.acknowledges !== false;
    this.clients.get(client)?.stream.destroy();
    this.clients.set(client, c);
    c.send(connectPacket(login));
    await c.next((p) => p.type === TYPE.CONNACK, 'CONNACK', { ms: LIMIT_MS, orClosed: true });
    c.isAccepted = c.log.some((p) => p.type === TYPE.CONNACK && p.body[1] === 0);
    if (!c.isAccepted) await c.closed();
  }

  async subscribe({ client, filters, qos }) {
    const c = this.clients.get(client);
    const id = c.packetId();
    c.send(packet(TYPE.SUBSCRIBE, 2, u16(id), ...filters.map((f) => Buffer.concat([field(f), Buffer.from([qos])]))));
    await c.next((p) => p.type === TYPE.SUBACK && p.packetId === id, 'SUBACK', { ms: LIMIT_MS, orClosed: true });
  }

  async unsubscribe({ client, filters }) {
    const c = this.clients.get(client);
    const id = c.packetId();
    c.send(packet(TYPE.UNSUBSCRIBE, 2, u16(id), ...filters.map(field)));
    await c.next((p) => p.type === TYPE.UNSUBACK && p.packetId === id, 'UNSUBACK', { ms: LIMIT_MS, orClosed: true });
  }

  async publish({ client, topic, bytes, qos, retain, dup }) {
    const c = this.clients.get(client);
    const id = qos ? c.packetId() : 0;
    c.send(publishPacket(topic, bytes, { qos, retain, dup, packetId: id }));
    if (qos === 1) await c.next((p) => p.type === TYPE.PUBACK && p.packetId === id, 'PUBACK', { ms: LIMIT_MS, orClosed: true });
  }

  /** One of the messages that this client did not acknowledge. */
  async puback({ client, nth }) {
    const c = this.clients.get(client);
    c.send(packet(TYPE.PUBACK, 0, u16(c.unacknowledged.splice(nth, 1)[0])));
  }

  async ping({ client }) {
    const c = this.clients.get(client);
    c.send(packet(TYPE.PINGREQ, 0));
    await c.next((p) => p.type === TYPE.PINGRESP, 'PINGRESP', { ms: LIMIT_MS, orClosed: true });
  }

  async send({ client, bytes }) {
    this.clients.get(client).send(bytes);
  }

  async disconnect({ client }) {
    const c = this.clients.get(client);
    c.isLeft = true;
    await c.disconnect();
  }

  async drop({ client }) {
    const c = this.clients.get(client);
    c.isLeft = true;
    await c.drop();
  }

  /** Nothing is sent until the connection ends by itself. */
  async silence({ client }) {
    await this.clients.get(client).closed(LIMIT_MS);
  }

  async run({ command, policy, isLater }) {
    if (policy && !this.policies.has(policy)) this.policies.set(policy, await this.serviceClient(policy));
    const by = policy ? this.policies.get(policy) : this.service;
    await this.command(command, { by, isLater });
    if (isLater) await this.command({ command: 'hub.status' }, { by }); // its answer may be far; what it did at once is done now
  }

  /** Real time goes by: until the answer comes that was put off. */
  async pass() {
    const isIt = (p) => p.type === TYPE.PUBLISH && p.topic === `${CONTROL}/response` && !p.payload.includes('"correlationData":"own-');
    await this.service.next(isIt, 'an answer that time brings', { ms: 30000 });
  }

  async restart({ how }) {
    await (how === 'kill' ? this.hub.kill() : this.hub.stop());
    await Promise.all([...this.clients.values()].map((c) => c.closed()));
    await this.hub.start();
    await this.comeUp();
  }
}

module.exports = { Wire, SEED };
