// message.js - messages from the cloud: queued by the hub, told by the SDK, settled by its PUBACK; and those to a module's inputs.
'use strict';
const fs = require('node:fs');
const { Client } = require('../../support/mqtt-wire.js');
const { assert, members } = require('../lib/case.js');

/** A client that listens for messages. */
async function listener(x, options) {
  const c = await x.open(options);
  await x.event('connected');
  await c.listen('messages');
  await c.twin(); // behind its SUBACKs: some are long away when they are cut while they subscribe (facts C-35)
  return c;
}
const command = (x, message, id = x.id) => ({ command: 'message.send', ...members(id), ...message });
const send = (x, message, id) => x.ok(command(x, message, id));
const bodies = async (c, n) => {
  const list = [];
  while (list.length < n) list.push((await c.hears('message')).body);
  return list;
};
const settled = (x, result = 'completed') => x.event('message-settled', (e) => e.result === result);
/** Nobody can connect, and who is connected is cut; resolves to what ends that. */
async function shutOut(x) {
  const closed = await x.fault('disconnect', { operation: 'connect', times: 0 });
  await x.fault('disconnect');
  await x.event('disconnected');
  return () => x.clearFault(closed);
}

module.exports = {
  async 'message-heard'(x) {
    const c = await listener(x);
    await send(x, { body: 'hello' });
    assert.equal((await c.hears('message')).body, 'hello');
    await settled(x);
  },

  async 'message-properties'(x) {
    const c = await listener(x);
    const properties = { colour: 'light', 'odd!#$%&-.^_`|~': '100%&more*+' };
    await send(x, { body: '{}', properties });
    const heard = (await c.hears('message')).properties;
    for (const [name, value] of Object.entries(properties)) assert.equal(heard[name], value);
  },

  async 'message-system'(x) {
    const c = await listener(x);
    const system = { messageId: 'm-1(2)', correlationId: 'c-1', contentType: 'application/json', contentEncoding: 'utf-8' };
    await send(x, { body: '{"a":1}', ...system });
    const heard = await c.hears('message');
    for (const [name, value] of Object.entries(system)) assert.equal(heard[name], value, name);
  },

  async 'message-empty'(x) {
    const c = await listener(x);
    await send(x, { body: '', properties: { is: 'empty' } });
    const heard = await c.hears('message');
    assert.deepEqual([heard.body, heard.properties.is], ['', 'empty']);
  },

  async 'message-bytes'(x) {
    const c = await listener(x);
    const bodyBase64 = Buffer.from([0, 1, 2, 250, 255, 10, 13]).toString('base64');
    await send(x, { bodyBase64 });
    assert.equal((await c.hears('message')).bytes.toString('base64'), bodyBase64);
  },

  async 'message-letters'(x) {
    const c = await listener(x);
    await send(x, { body: 'Straße Привет 値 👩‍🔬' });
    assert.equal((await c.hears('message')).body, 'Straße Привет 値 👩‍🔬');
  },

  async 'message-big'(x) {
    const c = await listener(x);
    const body = 'x'.repeat(63 * 1024);
    await send(x, { body });
    assert.equal((await c.hears('message')).body, body);
  },

  async 'message-too-large'(x) {
    const c = await listener(x);
    assert.equal((await x.command(command(x, { body: 'x'.repeat(64 * 1024 + 1) }))).status, 413);
    await send(x, { body: 'next' });
    assert.deepEqual(await bodies(c, 1), ['next']);
  },

  async 'message-order'(x) {
    const c = await listener(x);
    const sent = Array.from({ length: 45 }, (_, i) => `${i}`);
    await x.commands(sent.map((body) => command(x, { body })));
    assert.deepEqual(await bodies(c, sent.length), sent);
    for (let i = 0; i < sent.length; i++) await settled(x);
  },

  async 'message-any-order'(x) {
    const c = await listener(x);
    c.completes = false; // by itself
    await x.commands(['1', '2', '3', '4', '5'].map((body) => command(x, { body })));
    const heard = [];
    while (heard.length < 5) heard.push(await c.hears('message'));
    for (const { message } of heard.reverse()) await c.request('settle', { message, how: 'complete' });
    for (let i = 0; i < 5; i++) await settled(x);
    assert.deepEqual((await x.ok({ command: 'message.list', ...members(x.id) })).items, []);
  },

  async 'message-settled-too-late'(x) {
    const c = await listener(x);
    c.completes = false; // by itself
    await send(x, { body: 'again' });
    const { message } = await c.hears('message');
    await x.fault('disconnect');
    await c.hears('connected');
    await x.fails(c.request('settle', { message, how: 'complete' }), 'unreachable');
    const again = await c.hears('message');
    assert.equal(again.body, 'again');
    await c.request('settle', { message: again.message, how: 'complete' });
    await settled(x);
  },

  async 'message-unordered'(x) {
    const c = await listener(x, { ordered: false });
    const sent = Array.from({ length: 45 }, (_, i) => `${i}`);
    await x.commands(sent.map((body) => command(x, { body })));
    assert.deepEqual((await bodies(c, sent.length)).sort(), [...sent].sort());
    for (let i = 0; i < sent.length; i++) await settled(x);
  },

  async 'message-before-it-listens'(x) {
    await x.create();
    await send(x, { body: 'first' });
    const c = await x.connect();
    await c.listen('messages');
    await send(x, { body: 'second' });
    assert.deepEqual(await bodies(c, 2), ['first', 'second']);
  },

  async 'message-while-away'(x) {
    const c = await listener(x);
    const open = await shutOut(x);
    await x.commands(['1', '2', '3'].map((body) => command(x, { body })));
    await open();
    await x.event('connected');
    assert.deepEqual(await bodies(c, 3), ['1', '2', '3']);
  },

  async 'message-while-renewing'(x) {
    const c = await listener(x, { tokenSeconds: 7, renewSeconds: 2 });
    for (const turn of ['first', 'second']) {
      await x.event('disconnected');
      await send(x, { body: turn });
      assert.deepEqual(await bodies(c, 1), [turn]);
    }
  },

  async 'message-after-a-cut'(x) {
    const c = await listener(x);
    await x.fault('disconnect');
    await x.event('disconnected');
    await x.event('connected');
    await send(x, { body: 'after' });
    assert.deepEqual(await bodies(c, 1), ['after']);
  },

  async 'message-full-queue'(x) {
    const c = await listener(x);
    const open = await shutOut(x);
    const sent = Array.from({ length: 51 }, (_, i) => `${i}`);
    const answers = await x.commands(sent.map((body) => command(x, { body })));
    assert.deepEqual(answers.map(({ status }) => status), [...Array(50).fill(200), 403]);
    assert.equal(answers[50].body.errorCode, 403004);
    await open();
    await x.event('connected');
    assert.deepEqual(await bodies(c, 50), sent.slice(0, 50));
  },

  async 'message-not-acknowledged'(x) {
    await x.create();
    const { hub } = x;
    const first = await Client.connect({ host: hub.host, port: hub.file.ports.mqtts, ca: fs.readFileSync(hub.ca), clientId: x.id, username: `${hub.host}/${x.id}/?api-version=2021-04-12`, password: x.token(), clean: true }); // so that nothing comes before the SDK has a handler
    first.acknowledges = false;
    await first.subscribe(`devices/${x.id}/messages/devicebound/#`, 1);
    await send(x, { body: 'again' });
    await first.message('devices/');
    await first.drop();
    const c = await x.connect();
    await x.event('subscribed'); // the first client's
    await c.listen('messages');
    assert.deepEqual(await bodies(c, 1), ['again']);
    await settled(x);
  },

  async 'message-lost-on-its-way'(x) {
    const c = await listener(x);
    await x.fault('lose', { operation: 'message' });
    await send(x, { body: 'again' });
    await x.event('fault', (e) => e.operation === 'message');
    await x.fault('disconnect');
    assert.deepEqual(await bodies(c, 1), ['again']);
    await settled(x);
  },

  async 'message-hub-killed'(x) {
    const c = await listener(x);
    await x.fault('lose', { operation: 'message' });
    await send(x, { body: 'kept' });
    await x.event('fault', (e) => e.operation === 'message');
    await x.hub.kill();
    assert.deepEqual(await bodies(c, 1), ['kept']);
  },

  async 'message-purged'(x) {
    const c = await listener(x);
    const open = await shutOut(x);
    await send(x, { body: 'gone' });
    assert.equal((await x.ok({ command: 'message.purge', ...members(x.id) })).totalMessagesPurged, 1);
    await send(x, { body: 'kept' });
    await open();
    assert.deepEqual(await bodies(c, 1), ['kept'], 'the first that it is told');
  },

  async 'message-expired'(x) {
    const c = await listener(x);
    const open = await shutOut(x);
    await send(x, { body: 'old', timeToLive: '1m', ack: 'negative', messageId: 'm-old' });
    await send(x, { body: 'young', timeToLive: '10m' });
    await x.ok({ command: 'clock.advance', by: '2m' });
    await settled(x, 'expired');
    await open();
    assert.deepEqual(await bodies(c, 1), ['young'], 'the first that it is told');
    await x.ok({ command: 'clock.advance', by: '20s' });
    const [record] = (await x.ok({ command: 'feedback.receive' })).items;
    assert.deepEqual([record.originalMessageId, record.statusCode, record.deviceId], ['m-old', 'Expired', x.device]);
  },

  async 'message-feedback'(x) {
    const c = await listener(x);
    await send(x, { body: 'told', messageId: 'm-1', ack: 'full' });
    await c.hears('message');
    await settled(x);
    await x.ok({ command: 'clock.advance', by: '20s' });
    const [record] = (await x.ok({ command: 'feedback.receive' })).items;
    assert.deepEqual([record.originalMessageId, record.statusCode, record.deviceId], ['m-1', 'Success', x.device]);
  },

  async 'message-completed'(x) {
    const c = await listener(x);
    c.completes = false; // by itself
    await send(x, { body: 'x' });
    const { message } = await c.hears('message');
    await c.request('settle', { message, how: 'complete' });
    await settled(x);
  },

  async 'message-rejected'(x) {
    const c = await listener(x);
    c.completes = false;
    for (const how of ['reject', 'abandon']) {
      await send(x, { body: how });
      const { message } = await c.hears('message');
      await x.fails(c.request('settle', { message, how }), 'unsupported');
    }
  },

  async 'message-apart'(x) {
    const c = await listener(x);
    const other = await x.open({ id: `${x.device}-2` });
    await other.listen('messages');
    await send(x, { body: 'for the other' }, `${x.device}-2`);
    await send(x, { body: 'for this one' });
    assert.deepEqual([await bodies(c, 1), await bodies(other, 1)], [['for this one'], ['for the other']]);
  },

  async 'message-amid-all'(x) {
    const c = await listener(x);
    await c.listen('desired');
    await c.onMethods({ echo: (payload) => ({ status: 200, payload }) });
    const rounds = Array.from({ length: 10 }, (_, i) => i);
    await Promise.all(rounds.flatMap((i) => [send(x, { body: `${i}` }), x.desired({ i }), x.answerOf('echo', i), c.report({ i })]));
    assert.deepEqual((await bodies(c, 10)).sort(), rounds.map(String));
    for (const i of rounds) assert.equal((await c.change()).$version, i + 2);
  },

  async 'message-to-a-module'(x) {
    const c = await listener(x);
    await send(x, { body: 'for the device' }, x.device);
    await send(x, { body: 'for the module', properties: { a: 'b' } });
    const heard = await c.hears('message');
    assert.deepEqual([heard.body, heard.properties.a], ['for the module', 'b']);
    await settled(x);
  },

  async 'message-input'(x) {
    const c = await x.open({ host: x.hub.hostname, gateway: x.hub.host }); // without a gateway not every SDK subscribes to inputs
    await c.listen('inputs', { names: ['in'] });
    await send(x, { inputName: 'in', body: '{"n":1}', properties: { from: 'route' } });
    const heard = await c.hears('input');
    assert.deepEqual([heard.input, heard.body, heard.properties.from], ['in', '{"n":1}', 'route']);
  },

  async 'message-input-nobody-listens'(x) {
    await x.open();
    assert.equal((await x.command(command(x, { inputName: 'in', body: '1' }))).body.errorCode, 404103);
  },
};
