// fake-gateway.js - one client as the gateway passes it on to the broker, written from the contract (simulator/core/front_door.h) and
// without the gateway: for tests of the hub's side of the front door.
//
//   const c = await throughGateway(hub, hub.login('dev', { clean: false, will: {...} }));
//   c.connack, c.hello;  await c.report({ end: 'lost' });  await c.leave();
'use strict';
const assert = require('node:assert/strict');
const { Client, TYPE, connectPacket, packet, publishPacket } = require('./mqtt-wire.js');

const REPORTS = '$CONTROL/twinsim-gateway/v1';

/** The user name that the gateway writes for a client that sent these options. */
function prefixed({ username, clean = true, keepAlive = 60, will, peer = '127.0.0.1:4711' }) {
  const parts = { clean: clean ? 1 : 0, keepAlive, peer, user: username === undefined ? 0 : 1 };
  if (will) Object.assign(parts, { willTopic: will.topic, willQos: will.qos ?? 0, willRetain: will.retain ? 1 : 0 });
  const text = Object.entries({ ...parts, cert: 'none' }).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `gw1?${text.join('&')} ${username ?? ''}`;
}

class ThroughGateway extends Client {
  /** Marks are taken off; nothing is acknowledged, since the gateway's own packets have QoS 0. */
  read(head, body) {
    const p = super.read(head, body);
    if (p.type !== TYPE.PUBLISH) return p;
    const [, flags, tag, topic] = /^\$gw\/([01]d?)\/([0-9a-f]+)\/(.*)$/s.exec(p.topic) ?? [];
    if (topic === undefined) return p;
    assert.equal(p.qos, 0, 'what the hub sends through the gateway has QoS 0 in the broker');
    return { ...p, topic, tag, qos: Number(flags[0]), dup: flags.endsWith('d') };
  }

  report(document) {
    this.send(publishPacket(REPORTS, JSON.stringify(document)));
  }

  /** The client said good-bye. */
  async leave() {
    this.report({ end: 'client' });
    await this.disconnect();
  }
}

/** Connect through the gateway's socket. connack as the client would see it: null when it was closed without one. */
async function throughGateway(hub, options) {
  const { will } = options;
  const kept = will && { will: { topic: will.topic, qos: will.qos ?? 0, retain: will.retain ?? false, payload: Buffer.from(will.payload ?? '').toString('base64') } };
  const c = await openThroughGateway(hub, options, kept);
  c.begin();
  const answer = await c.next((p) => p.type === TYPE.CONNACK, 'CONNACK', { orClosed: true });
  c.connack = answer && { sessionPresent: answer.body[0] === 1, code: answer.body[1] };
  if (c.connack?.code === 0 && !options.clientId?.startsWith('gateway//')) { // the gateway itself hears no hello
    assert.equal(c.connack.sessionPresent, false, 'the broker itself knows of no session');
    const hello = await c.message('$gw/hello');
    c.hello = JSON.parse(hello.payload);
    c.connack.sessionPresent = c.hello.sessionPresent === 1;
  }
  return c;
}

/** The socket alone; begin() sends the CONNECT. */
async function openThroughGateway(hub, options, report) {
  const c = new ThroughGateway({ ...options, path: hub.gatewaySocket });
  const plain = await Client.socket({ path: hub.gatewaySocket });
  plain.stream.removeAllListeners('data');
  plain.stream.removeAllListeners('close');
  c.stream = plain.stream;
  c.stream.on('data', (chunk) => c.take(chunk));
  c.stream.on('close', () => c.end());
  hub.clients.push(c);
  // In one write: a broker that refuses closes at once, and a second write would fail before the CONNACK was read.
  c.begin = () => c.send(Buffer.concat([connectPacket({ ...options, username: options.rawUserName ?? prefixed(options), will: undefined, clean: true, keepAlive: 0 }), report ? publishPacket(REPORTS, JSON.stringify(report)) : Buffer.alloc(0)]));
  return c;
}

module.exports = { throughGateway, openThroughGateway, prefixed, REPORTS, packet };
