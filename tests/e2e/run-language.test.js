// run-language.test.js - what the steps of a scenario do to a real hub, construct by construct, and what a red one says.
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { runScenario } = require('../support/runner.js');

const TINY = `node ${path.resolve(__dirname, '../support/tiny-agent.js')}`;

/** Run scenarios of one question each: [name, verdict, what the report says, steps, more members of the scenario]. */
function table(rows, ...args) {
  for (const [name, verdict, says, steps, more] of rows) {
    test(name, async (t) => {
      const { stdout, result, left } = await runScenario(t, { name, steps, ...more }, ...args);
      assert.equal(result.verdict, verdict, stdout);
      assert.match(stdout, says);
      assert.deepEqual(left(), []);
    });
  }
}

// ---- simulated devices ----

const dev = { identities: { dev: {}, 'dev/m': {} } };
table([
  ['a simulated device connects, subscribes and reads its twin', 'passed', /PASSED/, [{ connect: 'dev' }, { expect: 'connected', on: 'dev', event: { clean: true } }, { expect: 'subscribed', on: 'dev', count: 2 }, { expect: 'twin-get', on: 'dev', event: { status: 200 } }], dev],
  ['a simulated device connects when it is first used', 'passed', /PASSED/, [{ report: { a: 1 }, on: 'dev/m' }, { expect: 'connected', on: 'dev/m' }, { expect: 'reported', on: 'dev/m', match: { a: 1 } }, { report: { a: 2 }, on: 'dev/m' }, { never: 'connected', on: 'dev/m', for: '0s' }, { twin: { reported: { a: 2 } }, on: 'dev/m' }], dev],
  ['a simulated device hears what is desired', 'passed', /PASSED/, [{ connect: 'dev' }, { desired: { a: 1 }, on: 'dev' }, { twin: { desired: { a: 1 } }, on: 'dev' }, { leave: 'dev' }, { expect: 'disconnected', on: 'dev' }], dev],
  ['a simulated device leaves without a word', 'passed', /PASSED/, [{ connect: 'dev' }, { leave: 'dev', how: 'cut' }, { expect: 'disconnected', on: 'dev' }], dev],
  ['a report is written with aliases, and refused where the step says so', 'passed', /PASSED/, [{ report: { 'c.x': 1 }, on: 'dev' }, { twin: { reported: { a: { x: { v: 1 } } } }, on: 'dev' }, { report: { $bad: 1 }, on: 'dev', refused: 400 }], { ...dev, aliases: { 'c.*': 'a.*.v' } }],
  ['a refused report is red', 'failed', /the hub refused it with 400: /, [{ report: { $bad: 1 }, on: 'dev' }], dev],
  ['a message has a body, properties and system properties', 'passed', /PASSED/, [{ send: { t: 1 }, on: 'dev', properties: { 'a b': 'c/d&=', flag: null }, system: { 'content-type': 'application/json', 'content-encoding': 'utf-8', '$.mid': '7' } }, { expect: 'telemetry', on: 'dev', match: { t: 1 }, event: { properties: { 'a b': 'c/d&=', flag: null }, system: { 'content-type': 'application/json', 'message-id': '7' } } }], dev],
  ['a message is a text as it stands', 'passed', /PASSED/, [{ send: 'plain', on: 'dev/m' }, { expect: 'telemetry', on: 'dev/m', event: { bodyBase64: 'cGxhaW4=' } }], dev],
  ['a message is bytes', 'passed', /PASSED/, [{ send: { base64: 'AP+A/g==' }, on: 'dev' }, { expect: 'telemetry', on: 'dev', event: { bodyBase64: 'AP+A/g==' } }], dev],
  ['a device that does not exist is refused', 'failed', /the hub refused the connection of nobody: /, [{ connect: 'nobody' }], dev],
  ['a refused connection may be wanted', 'passed', /PASSED/, [{ disable: 'dev' }, { connect: 'dev', refused: true }, { expect: 'refused' }, { enable: 'dev' }, { connect: 'dev' }], dev],
  ['an accepted connection may be unwanted', 'failed', /accepted the connection of dev; a refusal was expected/, [{ connect: 'dev', refused: true }], dev],
  ['who is not connected cannot leave', 'failed', /dev is not connected, as a device of the runner/, [{ leave: 'dev' }], dev],
  ['a second connection takes over the first', 'passed', /PASSED/, [{ connect: 'dev' }, { connect: 'dev' }, { expect: 'disconnected', on: 'dev', event: { reason: 'takeover' } }, { report: { a: 1 }, on: 'dev' }], dev],
  ['a device of a stopped hub is an error', 'error', /the hub is not running/, [{ stop: 'hub' }, { connect: 'dev' }], dev],
  ['a device survives a restart of the hub by connecting again', 'passed', /PASSED/, [{ connect: 'dev' }, { restart: 'hub' }, { report: { a: 1 }, on: 'dev' }, { twin: { reported: { a: 1 } }, on: 'dev' }], dev],
  ['a simulated device takes over the agent', 'passed', /PASSED/, [{ expect: 'reported' }, { connect: 'dev/m' }, { expect: 'disconnected', event: { reason: 'takeover' } }], { ...dev, agent: { as: 'dev/m', command: `${TINY} report {}` } }],
  ['a session that is kept keeps its subscriptions', 'passed', /PASSED/, [{ connect: 'dev', clean: false }, { leave: 'dev' }, { connect: 'dev', clean: false }, { expect: 'disconnected', on: 'dev' }, { never: 'subscribed', on: 'dev', for: '0s' }, { desired: { a: 1 }, on: 'dev' }], dev],
  ['a clean session forgets its subscriptions', 'passed', /PASSED/, [{ connect: 'dev', clean: false }, { leave: 'dev' }, { expect: 'disconnected', on: 'dev' }, { connect: 'dev' }, { expect: 'subscribed', on: 'dev', count: 2 }], dev],
]);
