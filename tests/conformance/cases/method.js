// method.js - direct methods: what the application hears, and the service of its answer.
'use strict';
const { assert } = require('../lib/case.js');

const PAYLOADS = [{ in: 5, deep: { list: [1, { two: 2 }] } }, 'text', 0, 1.5, false, [1, null, 'three'], {}, []];
const echo = (payload) => ({ status: 200, payload });

module.exports = {
  async 'method-payloads'(x) {
    const c = await x.open();
    const heard = [];
    await c.onMethods({ reboot: (payload) => { heard.push(payload); return { status: 200, payload: 'done' }; } });
    for (const payload of PAYLOADS) assert.deepEqual(await x.answerOf('reboot', payload), { status: 200, payload: 'done' });
    assert.deepEqual(heard, PAYLOADS);
  },

  async 'method-answers'(x) {
    const c = await x.open();
    let i = 0;
    await c.onMethods({ next: () => ({ status: 200, payload: PAYLOADS[i++] }) });
    for (const payload of PAYLOADS) assert.deepEqual(await x.answerOf('next', {}), { status: 200, payload });
  },

  async 'method-status'(x) {
    const c = await x.open();
    await c.onMethods({ answer: ({ status }) => ({ status, payload: { status } }) });
    for (const status of [200, 207, 404, 500, 1000, 1]) assert.deepEqual(await x.answerOf('answer', { status }), { status, payload: { status } });
  },

  async 'method-no-answer-payload'(x) {
    const c = await x.open();
    await c.onMethods({ ping: () => ({ status: 200 }) });
    assert.deepEqual(await x.answerOf('ping', {}), { status: 200, payload: null });
  },

  async 'method-no-payload'(x) {
    const c = await x.open();
    await c.onMethods({ ping: () => ({ status: 200, payload: 'pong' }) });
    const { status, body } = await x.call('ping');
    assert.equal(status, 200);
    assert.ok([200, 400].includes(body.status), `by the application with 200, or by an SDK that finds no JSON with 400: ${body.status}`);
  },

  async 'method-letters'(x) {
    const c = await x.open();
    await c.onMethods({ echo });
    const payload = { 'größe': 'Straße', 'ключ': '値', emoji: '👩‍🔬', lines: 'a\nb' };
    assert.deepEqual(await x.answerOf('echo', payload), { status: 200, payload });
  },

  async 'method-names'(x) {
    const c = await x.open();
    const names = ['a.b', 'get-status_1', 'n~0!', 'component*command'];
    await c.onMethods(Object.fromEntries(names.map((name) => [name, () => ({ status: 200, payload: name })])));
    for (const name of names) assert.deepEqual(await x.answerOf(name, {}), { status: 200, payload: name });
  },

  async 'method-unknown'(x) {
    const c = await x.open();
    await c.onMethods({ known: echo });
    const { status, body } = await x.call('unknown', { payload: {}, responseTimeoutInSeconds: 5 });
    if (status === 200) assert.ok([404, 501].includes(body.status), `the status ${body.status}`);
    else assert.equal(body.errorCode, 504101);
    assert.equal((await x.answerOf('known', 1)).payload, 1);
  },

  async 'method-away'(x) {
    const c = await x.open();
    await c.onMethods({ m: echo });
    await c.disconnect();
    await x.event('disconnected');
    assert.equal((await x.call('m', { payload: {} })).body.errorCode, 404103);
  },

  async 'method-nobody-listens'(x) {
    await x.open();
    assert.equal((await x.call('m', { payload: {} })).body.errorCode, 404103);
  },

  async 'method-waits'(x) {
    await x.create();
    const call = x.call('m', { payload: 7, connectTimeoutInSeconds: 60 });
    const c = await x.connect();
    await c.onMethods({ m: echo });
    assert.deepEqual((await call).body, { status: 200, payload: 7 });
  },

  async 'method-late'(x) {
    const c = await x.open();
    let answer;
    await c.onMethods({ slow: () => new Promise((resolve) => { answer = resolve; }), fast: echo });
    const { status, body } = await x.call('slow', { payload: {}, responseTimeoutInSeconds: 5 });
    assert.deepEqual([status, body.errorCode], [504, 504101]);
    await x.event('method-answer', (e) => e.name === 'slow'); // the call that failed
    answer({ status: 200, payload: 'late' });
    assert.equal((await x.event('method-answer')).waited, false);
    assert.equal((await x.answerOf('fast', 1)).payload, 1);
  },

  async 'method-cut'(x) {
    const c = await x.open();
    await c.onMethods({ never: () => undefined });
    const call = x.call('never', { payload: {} });
    await x.event('method');
    await x.fault('disconnect');
    assert.equal((await call).body.errorCode, 404104);
  },

  async 'method-big'(x) {
    const c = await x.open();
    await c.onMethods({ echo });
    const payload = { text: 'x'.repeat(127 * 1024) };
    assert.deepEqual(await x.answerOf('echo', payload), { status: 200, payload });
  },

  async 'method-slow'(x) {
    const c = await x.open();
    let answer;
    const called = new Promise((resolve) => {
      c.handlers.slow = () => new Promise((end) => { answer = end; resolve(); });
    });
    await c.onMethods({ fast: echo });
    const slow = x.call('slow', { payload: {} });
    await called;
    assert.equal((await x.answerOf('fast', 7)).payload, 7);
    answer({ status: 201, payload: 'done' });
    assert.deepEqual((await slow).body, { status: 201, payload: 'done' });
  },

  async 'method-many'(x) {
    const c = await x.open();
    await c.onMethods({ echo });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => x.answerOf('echo', { i })));
    answers.forEach(({ payload }, i) => assert.deepEqual(payload, { i }));
  },

  async 'method-apart'(x) {
    await x.create();
    const device = await x.connect({ id: x.device });
    const module = await x.connect();
    await device.onMethods({ who: () => ({ status: 200, payload: 'device' }) });
    await module.onMethods({ who: () => ({ status: 200, payload: 'module' }) });
    assert.equal((await x.answerOf('who', {}, x.device)).payload, 'device');
    assert.equal((await x.answerOf('who', {})).payload, 'module');
  },
};
