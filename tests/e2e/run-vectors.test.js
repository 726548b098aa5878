// run-vectors.test.js - the player of the conformance vectors: it says what differs and where, fills in what a file leaves out, and refuses what is no vector.
'use strict';
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { temporary } = require('../support/twinsim.js');

const RUNNER = path.resolve(__dirname, '../conformance/run-vectors.js');
const GET = '$iothub/twin/GET/?$rid=1';
const EMPTY = { desired: { $version: 1 }, reported: { $version: 1 } };

/** A file of vectors in a folder of its own; run(...) plays it. */
function shop(t, ...vectors) {
  const file = path.join(temporary(t, 'twinsim-vectors-'), 'v.json');
  fs.writeFileSync(file, JSON.stringify({ about: 'a test', vectors }));
  return {
    run: (...args) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [RUNNER, ...args, file], { encoding: 'utf8', timeout: 60000 });
      return { status, text: stdout + stderr };
    },
    read: () => JSON.parse(fs.readFileSync(file, 'utf8')).vectors,
  };
}
const good = (more = {}) => ({ name: 'a GET shows an empty twin', facts: ['M-26'], online: { d: ['res'] }, steps: [{ publish: GET, out: [{ topic: '$iothub/twin/res/200/?$rid=1', payload: EMPTY }] }], ...more });

test('a vector that holds passes, in memory and over the wire', (t) => {
  const { status, text } = shop(t, good()).run();
  assert.equal(status, 0, text);
  assert.match(text, /^ok 1 - a GET shows an empty twin$/m);
  assert.match(text, /^# pass 1\n# fail 0\n# 1 in memory and over the wire, 0 over the wire alone/m);
});

test('a packet that is not as expected fails, with file, step, what was expected and what came', (t) => {
  const wrong = good();
  wrong.steps[0].out[0].payload = { ...EMPTY, reported: { $version: 2 } };
  const { status, text } = shop(t, wrong).run('--memory');
  assert.equal(status, 1, text);
  assert.match(text, /^not ok 1 - a GET shows an empty twin$/m);
  assert.match(text, /file .*v\.json\n# {3}step {6}step 1 .*GET/);
  assert.match(text, /expected\n.*"\$version\\":2.*\n# {3}got\n.*reported.*"\$version\\":1/);
});

test('a packet too many, one too few, another order, another QoS and another connection each fail', (t) => {
  const two = { identities: { d: {}, e: {} }, online: { d: ['desired'], e: ['desired'] } };
  const update = { command: { command: 'twin.update', deviceId: 'd', patch: { properties: { desired: { a: 1 } } } } };
  const note = { topic: '$iothub/twin/PATCH/properties/desired/?$version=2', payload: { a: 1, $version: 2 } };
  const subscribed = [{ publish: GET, qos: 1, out: [{ topic: '$iothub/twin/res/200/?$rid=1', payload: EMPTY }, { puback: true }] }];
  const cases = [
    good({ name: 'a packet that is not expected', steps: [{ publish: GET }] }),
    good({ name: 'a packet that does not come', steps: [{ publish: 'devices/d/messages/events/', out: [{ puback: true }] }] }),
    good({ name: 'two packets the other way round', steps: subscribed }),
    good({ name: 'a packet with another QoS', steps: [{ publish: GET, out: [{ topic: '$iothub/twin/res/200/?$rid=1', payload: EMPTY, qos: 1 }] }] }),
    { ...two, name: 'a packet to another connection', facts: ['M-31'], steps: [{ ...update, out: [{ ...note, to: 'e' }, { status: 200 }] }] },
    { ...two, name: 'another state after the steps', facts: ['M-31'], steps: [{ ...update, out: [note, { status: 200 }] }], after: { d: { version: 2 } } },
    good({ name: 'an event that is not expected', steps: [{ ...good().steps[0], events: [] }] }),
  ];
  const { status, text } = shop(t, ...cases).run('--memory');
  assert.equal(status, 1, text);
  assert.match(text, new RegExp(`^# pass 0\n# fail ${cases.length}$`, 'm'), text);
});

test('--write fills in what a file leaves out, and what it wrote holds', (t) => {
  const s = shop(t, good({ steps: [{ publish: GET, events: true }], after: { d: true } }), {
    name: 'a report of ${what} is answered', facts: ['M-27'], online: { d: ['res'] }, each: [{ what: 'nothing', patch: {} }, { what: 'an array', patch: '[]' }],
    steps: [{ publish: '$iothub/twin/PATCH/properties/reported/?$rid=1', payload: '${patch}', out: '${out}' }],
  });
  assert.equal(s.run('--memory', '--write').status, 0);
  const [get, report] = s.read();
  assert.deepEqual(get.steps[0], { ...good().steps[0], events: [{ kind: 'twin-get', device: 'd', rid: '1', status: 200 }] });
  assert.deepEqual(get.after.d, { version: 2, ...EMPTY });
  assert.deepEqual(report.each[0].out, [{ topic: '$iothub/twin/res/204/?$rid=1&$version=2' }]);
  assert.equal(report.each[1].out[0].payload.errorCode, 400004);
  const { status, text } = s.run('--memory');
  assert.equal(status, 0, text);
});

test('what is no vector is refused with its place: an unknown member, a name twice, a variable that nobody gave', (t) => {
  const { status, text } = shop(t, good({ stepz: [] })).run('--memory');
  assert.equal(status, 3, text);
  assert.match(text, /v\.json: \/vectors\/0\/stepz/);
  assert.match(shop(t, good(), good()).run('--memory').text, /the name "a GET shows an empty twin" stands in/);
  assert.match(shop(t, good({ name: 'a GET of ${nobody}' })).run('--memory').text, /has a variable that nobody gave/);
});
