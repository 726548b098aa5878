// gateway-prefix.test.js - the hub's side of the front door, with the real broker and a gateway that the test plays: prefix, hello, marks,
// reports, and who is not believed. What the gateway itself does is gateway.test.js; what a client sees of both together, front-door.test.js.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');
const { TYPE } = require('../support/mqtt-wire.js');
const { throughGateway, openThroughGateway, prefixed, REPORTS } = require('../support/fake-gateway.js');

const RES = '$iothub/twin/res/#';
const EVENTS = 'devices/dev/messages/events/';

test('who comes through the gateway', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  await hub.create('dev/mod');
  const events = await hub.listen();
  const it = (title, f) => t.test(title, f);

  await it('is told of with what the client itself sent', async () => {
    const c = await throughGateway(hub, hub.login('dev', { clean: false, keepAlive: 77, peer: '127.0.0.1:4712' }));
    assert.equal(c.connack.code, 0);
    const e = await events.event('connected', (x) => x.device === 'dev');
    assert.deepEqual([e.clean, e.keepAlive, e.peer], [false, 77, '127.0.0.1:4712']);
    await c.leave();
    assert.equal((await events.event('disconnected')).reason, 'client');
  });

  await it('has a session by what the hub itself knows, right after kill -9, too (facts M-10, M-11)', async () => {
    const present = async (clean) => {
      const c = await throughGateway(hub, hub.login('dev/mod', { clean }));
      assert.equal(c.connack.code, 0);
      return [c, c.connack.sessionPresent];
    };
    let [c, was] = await present(false);
    assert.equal(was, false);
    assert.deepEqual(await c.subscribe(RES, 1), [1]);
    await hub.kill();
    await hub.start();
    [c, was] = await present(false);
    assert.equal(was, true);
    assert.deepEqual([(await c.twinGet('1')).status, (await c.twinGet('2')).qos], [200, 1]);
    [c, was] = await present(true);
    assert.equal(was, false);
    await c.publish('$iothub/twin/GET/?$rid=3');
    await c.ping();
    assert.deepEqual(c.messages(), []);
    [, was] = await present(false);
    assert.equal(was, false);
  });

  await it('may be a service client: commands and events work as ever', async () => {
    const c = await throughGateway(hub, hub.serviceLogin('iothubowner', { clean: false }));
    assert.deepEqual([c.connack.code, c.connack.sessionPresent], [0, false]);
    assert.deepEqual(await c.subscribe('$twinsim/v1/#', 1), [1]);
    await c.publish('$CONTROL/twinsim/v1', JSON.stringify({ commands: [{ command: 'device.create', deviceId: 'by-service' }] }), { qos: 1 });
    const answer = JSON.parse((await c.message('$CONTROL/twinsim/v1/response')).payload);
    assert.equal(answer.responses[0].status, 200);
    await c.message('$twinsim/v1/events/by-service/created');
  });

  await it('is refused without a prefix, and one is believed nowhere else', async () => {
    const listening = await hub.listen();
    for (const rawUserName of [hub.userName('dev'), '', 'gw1?clean=1&keepAlive=5&user=1']) {
      const c = await throughGateway(hub, { ...hub.login('dev'), rawUserName });
      assert.deepEqual(c.connack, { sessionPresent: false, code: 5 });
      const e = await listening.event('refused');
      assert.deepEqual([e.topic, e.reason, e.detail], ['$twinsim/v1/hub/refused', 'protocol', 'only the gateway may use its socket']);
    }
    for (const to of [{}, { path: hub.socket, host: undefined }]) { // past the real gateway, which puts its own before it, and the other socket
      for (const login of [hub.login('dev', to), hub.login('dev', { ...to, clientId: 'gateway//1', password: undefined })]) {
        const username = login.password ? prefixed(login) : 'gw1?self=1 ';
        const c = await hub.connect({ ...login, username });
        assert.deepEqual(c.connack, { sessionPresent: false, code: 5 });
      }
    }
  });

  await it('cannot report for itself on another way in', async () => {
    const c = await hub.device('dev');
    await assert.rejects(c.publish(REPORTS, JSON.stringify({ end: 'client' }), { qos: 1 }), /closed/);
  });
});

// Facts B-03: what the hub publishes goes to whoever has the client id a turn later.
test('a takeover within one turn of the broker leaves the newer connection with a hello of its own', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  await hub.create('other');
  const other = await throughGateway(hub, hub.login('other'));
  const reader = await throughGateway(hub, hub.login('dev', { clean: false }));
  await reader.subscribe(RES, 1); // a session that stands
  await reader.leave();

  for (let round = 0; round < 5; round++) {
    const older = await openThroughGateway(hub, hub.login('dev', { clean: false }));
    const newer = await openThroughGateway(hub, hub.login('dev', { clean: round % 2 === 0 }));
    await other.ping();
    await other.ping(); // the broker has taken both in
    await hub.pause();
    older.begin();
    const granted = other.subscribe(RES, 0);
    newer.begin();
    hub.resume();
    assert.equal((await newer.next((p) => p.type === TYPE.CONNACK, 'CONNACK')).body[1], 0);
    const hello = JSON.parse((await newer.message('$gw/hello')).payload);
    assert.equal(hello.sessionPresent, round % 2, `round ${round}: the newer connection has the session it asked for`);
    await newer.ping();
    await newer.ping();
    assert.deepEqual(newer.messages(), [], 'and one hello');
    if (round % 2 === 0) { // it forgot the session
      await newer.leave();
      const again = await throughGateway(hub, hub.login('dev', { clean: false }));
      await again.subscribe(RES, 1);
      await again.leave();
    } else {
      await newer.leave();
    }
    assert.deepEqual(await granted, [0]);
  }
});

test('a last will is the hub\'s, at every end but a DISCONNECT (facts M-20)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const events = await hub.listen();
  const telemetry = await hub.listen('devices/+/messages/events/#');
  const will = { topic: `${EVENTS}a=b`, payload: '{"gone":1}', qos: 1, retain: true };
  const login = () => hub.login('dev', { will });

  for (const [reason, detail] of [['lost'], ['keep-alive', '90 s'], ['protocol', 'a second CONNECT'], ['slow'], ['shutdown']]) {
    const c = await throughGateway(hub, login());
    c.report({ end: reason, detail });
    c.stream.destroy();
    const gone = await events.event('disconnected');
    assert.deepEqual([gone.reason, gone.detail], [reason, detail]);
    const told = await events.event('telemetry');
    assert.deepEqual(told.properties, { a: 'b', 'mqtt-retain': 'true', 'iothub-MessageType': 'Will' });
    const p = await telemetry.client.message(`${EVENTS}a=b`);
    assert.deepEqual([p.payload.toString(), p.retain], ['{"gone":1}', false]);
  }

  // Taken over, with clean 0 on both sides: the broker alone would drop it.
  const older = await throughGateway(hub, hub.login('dev', { will, clean: false }));
  const newer = await throughGateway(hub, hub.login('dev', { clean: false }));
  await older.closed();
  assert.equal((await events.event('disconnected')).reason, 'takeover');
  assert.equal((await events.event('telemetry')).properties['iothub-MessageType'], 'Will');
  await newer.leave();
  assert.equal((await events.event('disconnected')).reason, 'client');

  const c = await throughGateway(hub, login());
  await c.leave();
  await events.event('disconnected', (e) => e.reason === 'client');
  await events.client.ping();
  assert.deepEqual(events.client.messages(), [], 'who says good-bye leaves no will');

  for (const topic of ['devices/other/messages/events/', 'foo', '$iothub/twin/GET/?$rid=1']) {
    const refused = await throughGateway(hub, hub.login('dev', { will: { topic } }));
    assert.equal(refused.connack.code, 5);
    assert.match((await events.event('refused')).reason, /a will must be telemetry/);
  }
});

test('the gateway\'s own session tells of those who never came in', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const self = await throughGateway(hub, { clientId: 'gateway//1', rawUserName: 'gw1?self=1 ' });
  assert.equal(self.connack.code, 0);
  self.report({ refused: { peer: '127.0.0.1:9', reason: 'connect-timeout', detail: 'no CONNECT within 60 s' } });
  const e = await events.event('refused');
  assert.deepEqual([e.topic, e.reason, e.detail, e.peer], ['$twinsim/v1/hub/refused', 'connect-timeout', 'no CONNECT within 60 s', '127.0.0.1:9']);
  await hub.reload();
  await self.ping();
});
