// front-door.test.js - clients that come through the gateway meet the same hub, and the hub knows more of them.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');
const { gatewayBefore, Client, publishPacket } = require('../support/gateway.js');

const telemetry = (id) => `devices/${id}/messages/events/`;

test('through the front door', { concurrency: true }, async (t) => {
  const hub = await startHub(t);
  const gateway = await gatewayBefore(t, hub);
  const events = async (id) => {
    await hub.create(id);
    return hub.listen(`$twinsim/v1/events/${id}/#`);
  };
  const it = (title, f) => t.test(title, f);

  await Promise.all([
    it('a device reads its twin, reports, and hears of a change', async () => {
      await hub.create('twin');
      const d = await hub.device('twin', gateway.door);
      await d.subscribe(['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#']);
      assert.equal((await d.twinGet('1')).status, 200);
      assert.equal((await d.twinPatch('2', { fan: 'on' }, { qos: 1 })).status, 204);
      await hub.desired('twin', { speed: 3 });
      assert.equal(JSON.parse((await d.message('$iothub/twin/PATCH/')).payload).speed, 3);
      await d.disconnect();
    }),
    it('a wrong token gets CONNACK 5', async () => {
      await hub.create('stranger');
      const c = await hub.connect(hub.login('stranger', { ...gateway.door, password: hub.token('stranger', { key: Buffer.alloc(32).toString('base64') }) }));
      assert.deepEqual(c.connack, { sessionPresent: false, code: 5 });
      await c.closed();
    }),
    it('the hub knows what the client said of itself: clean session and keep-alive (facts M-13)', async () => {
      const e = await events('said');
      const d = await hub.device('said', { ...gateway.door, clean: false, keepAlive: 77 });
      const { clean, keepAlive } = await e.event('connected');
      assert.deepEqual([clean, keepAlive], [false, 77]);
      await d.disconnect();
    }),
    it('the hub says why a connection ended', async () => {
      const e = await events('ends');
      const ways = [
        ['client', (d) => d.disconnect()],
        ['lost', (d) => d.drop()],
        ['protocol', (d) => (d.send(publishPacket(telemetry('ends'), 'x', { qos: 2 })), d.closed())],
        ['keep-alive', (d) => d.closed()],
        ['takeover', (d) => hub.device('ends', gateway.door).then(() => d.closed())],
      ];
      for (const [reason, end] of ways) {
        const d = await hub.device('ends', { ...gateway.door, keepAlive: 1 });
        await end(d);
        assert.equal((await e.event('disconnected')).reason, reason);
      }
    }),
    it('session present is what the hub remembers (facts M-10, M-11)', async () => {
      await hub.create('session');
      for (const [clean, present] of [[true, false], [false, false], [false, true], [true, false], [false, false]]) {
        const d = await hub.device('session', { ...gateway.door, clean });
        assert.equal(d.connack.sessionPresent, present, `clean ${clean}`);
        await d.subscribe('$iothub/twin/res/#');
        await d.disconnect();
      }
    }),
    it('a will is sent when the client is lost, and not when it says good-bye (facts M-17)', async () => {
      const e = await events('will');
      const will = { topic: telemetry('will'), payload: 'gone', qos: 1 };
      await (await hub.device('will', { ...gateway.door, will })).disconnect();
      assert.equal((await e.event('disconnected')).reason, 'client');
      assert.equal(e.seen.some((x) => x.kind === 'telemetry'), false);
      await (await hub.device('will', { ...gateway.door, will })).drop();
      const sent = await e.event('telemetry');
      assert.equal(sent.properties['iothub-MessageType'], 'Will');
      assert.equal(sent.body ?? Buffer.from(sent.bodyBase64, 'base64').toString(), 'gone');
    }),
    it('a service client does its work through it, and hears the events', async () => {
      const s = await hub.service('iothubowner', { ...hub.serviceLogin(), path: undefined, port: hub.port, ...gateway.door });
      await s.subscribe();
      const response = await s.command({ command: 'device.create', deviceId: 'by-service' });
      assert.equal(response.status, 200);
      await s.event('created', (x) => x.device === 'by-service');
    }),
    it('who never reached the broker is told as refused', async () => {
      const e = await hub.listen('$twinsim/v1/hub/#');
      const c = await Client.socket({ host: gateway.host, port: gateway.port });
      c.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await c.closed();
      assert.match(JSON.stringify(await e.event('refused')), /tls/);
    }),
    it('messages at QoS 1 of many clients at once are all acknowledged, each to its sender', async () => {
      const ids = Array.from({ length: 20 }, (_, i) => `load-${i}`);
      await Promise.all(ids.map((id) => hub.create(id)));
      const all = await Promise.all(ids.map((id) => hub.device(id, gateway.door)));
      await Promise.all(all.map((d, i) => Promise.all(Array.from({ length: 50 }, (_, n) => d.publish(telemetry(ids[i]), `${n}`, { qos: 1 })))));
      await Promise.all(all.map((d) => d.disconnect()));
    }),
  ]);
});
