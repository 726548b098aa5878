// run-language.test.js - what the steps of a scenario do to a real hub, construct by construct, and what a red one says.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
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
  ['letter case and the spelling of durations do not matter in twins and reports', 'passed', /PASSED/, [{ report: { p: 'HIGH', d: 'P1W' }, on: 'dev' }, { expect: 'reported', on: 'dev', match: { p: { $nocase: 'High' }, d: { $duration: 'P7D' } } }, { twin: { reported: { p: { $nocase: 'high' }, d: { $duration: 'PT168H' } } }, on: 'dev' }], dev],
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

// ---- methods ----

table([
  ['a method is called and answered', 'passed', /method reboot payload \{"in":5\}/, [{ answer: 'reboot', on: 'dev/m', status: 202, payload: { ok: [1] } }, { method: 'reboot', payload: { in: 5 }, on: 'dev/m', status: 202, match: { ok: [1] }, save: { code: '$.status', ok: 'ok' } },
    { expect: 'method-answer', on: 'dev/m', match: { ok: '${ok}' }, event: { status: '${code}', name: 'reboot' } }], dev],
  ['the cursor stands behind the call, whatever came before its answer', 'passed', /PASSED/, [{ answer: 'a', on: 'dev' }, { method: 'a', on: 'dev', payload: 1 }, { expect: 'method-answer', on: 'dev', event: { payload: null } }, { never: 'method', on: 'dev', for: '0s' }], dev],
  ['any status of an answer is good where the step names none', 'passed', /PASSED/, [{ answer: 'a', on: 'dev', status: -3 }, { method: 'a', on: 'dev' }], dev],
  ['another status than the wanted one is red', 'failed', /answered with 500 "broken"; status 200 was expected/, [{ answer: 'a', on: 'dev', status: 500, payload: 'broken' }, { method: 'a', on: 'dev', status: 200 }], dev],
  ['another payload than the wanted one is red', 'failed', /answered with another payload[\s\S]*ok[\s\S]*true[\s\S]*false/, [{ answer: 'a', on: 'dev', payload: { ok: false } }, { method: 'a', on: 'dev', match: { ok: true } }], dev],
  ['the last answer that a device was given counts', 'passed', /PASSED/, [{ answer: 'a', on: 'dev', payload: 1 }, { answer: 'a', on: 'dev', payload: 2 }, { answer: 'b', on: 'dev', payload: 3 }, { method: 'a', on: 'dev', match: { $gte: 2 } }], dev],
  ['who is not there is refused, and that may be wanted', 'passed', /PASSED/, [{ method: 'a', on: 'dev', refused: 404103 }, { expect: 'method-answer', on: 'dev', event: { errorCode: 404103 } }, { connect: 'dev' }, { method: 'a', on: 'dev', refused: 404 }, { method: 'a', on: 'nobody', refused: 404001 }], dev],
  ['who is not there is red otherwise', 'failed', /the hub refused it with 404103: Timed out waiting for device to connect/, [{ method: 'a', on: 'dev' }], dev],
  ['an answer is red where a refusal was wanted', 'failed', /a refusal \(404103\) was expected/, [{ answer: 'a', on: 'dev' }, { method: 'a', on: 'dev', refused: 404103 }], dev],
  ['who answers too late is red', 'failed', /the method was not answered in time/, [{ answer: 'a', on: 'dev' }, { method: 'unknown', on: 'dev', within: '300ms' }], dev],
  ['who never answers is 504101', 'passed', /PASSED/, [{ answer: 'a', on: 'dev' }, { method: 'unknown', on: 'dev', refused: 504101 }], dev],
  ['lanes beside a call go on', 'passed', /PASSED/, [{ answer: 'a', on: 'dev' }, { parallel: [[{ method: 'unknown', on: 'dev', refused: 404001, within: '20s' }], [{ expect: 'method', on: 'dev' }, { report: { busy: true }, on: 'dev' }, { delete: 'dev' }]] }], dev],
  ['an agent is called like any device', 'passed', /PASSED/, [{ log: 'connected' }, { method: 'a', refused: 404103 }], { agent: { as: 'dev/m', command: `${TINY} echo` } }],
  ['a method of a stopped hub is an error', 'error', /the hub is not running/, [{ stop: 'hub' }, { method: 'a', on: 'dev' }], dev],
]);

// ---- lanes side by side ----

const two = { identities: { a: {}, b: {} } };
table([
  ['lanes wait side by side', 'passed', /parallel 3 lanes/, [{ parallel: [[{ wait: '400ms' }], [{ wait: '400ms' }], [{ wait: '400ms' }]] }], { timeout: '1s' }],
  ['each lane has a cursor of its own', 'passed', /PASSED/, [{ parallel: [
    [{ connect: 'a' }, { expect: 'connected', on: 'a' }, { desired: { x: 1 }, on: 'a' }, { expect: 'reported', on: 'a', match: { x: 1 } }],
    [{ expect: 'desired', on: 'a' }, { report: { x: 1 }, on: 'a' }, { expect: 'reported', on: 'a' }]] }], two],
  ['behind a group the cursor stands where the furthest lane came to', 'failed', /came too early/, [{ parallel: [[{ report: { x: 1 }, on: 'a' }, { expect: 'reported', on: 'a' }], [{ wait: '0s' }]] }, { expect: 'connected', on: 'a', within: '200ms' }], two],
  ['a red lane ends the group, and the others are skipped', 'failed', /:\d+:\d+: expect reported on a within 200ms\n +no such event within 0\.200 s/, [{ parallel: [[{ wait: '30s' }], [{ expect: 'reported', on: 'a', within: '200ms' }]] }], two],
  ['a program in a lane is ended with its group', 'failed', /no such event/, [{ parallel: [[{ exec: ['sh', '-c', 'setsid sh -c "sleep 1000; : ${work}"'], within: '50s' }], [{ exec: 'sleep 0.2' }, { expect: 'reported', on: 'a', within: '200ms' }]] }], two],
  ['programs run side by side', 'passed', /PASSED/, [{ parallel: [[{ exec: 'sleep 0.5' }], [{ exec: 'sleep 0.5' }], [{ exec: 'sleep 0.5' }, { exec: 'false', exit: 1 }]] }], { timeout: '1400ms' }],
  ['the whole has a limit in lanes, too', 'failed', /time limit of the whole scenario/, [{ parallel: [[{ wait: '30s' }], [{ expect: 'telemetry', within: '30s' }]] }], { timeout: '500ms', ...two }],
  ['a change meets a change', 'passed', /PASSED/, [{ connect: 'a' }, { parallel: [
    Array.from({ length: 20 }, (_, i) => ({ desired: { n: i }, on: 'a' })), Array.from({ length: 20 }, (_, i) => ({ report: { n: i }, on: 'a' }))] },
    { twin: { desired: { n: 19, $version: 21 }, reported: { n: 19, $version: 21 } }, on: 'a' }], two],
]);

test('what the result says of steps in lanes names the lane', async (t) => {
  const { result } = await runScenario(t, { name: 'n', steps: [{ parallel: [[{ wait: '100ms' }], [{ wait: '0s' }, { wait: '1ms' }]] }, { wait: '0s' }] });
  assert.deepEqual(result.steps.map(({ text, lane, verdict }) => [text, lane, verdict]), [
    ['parallel 2 lanes', undefined, 'passed'], ['wait 100ms', 1, 'passed'], ['wait 0s', 2, 'passed'], ['wait 1ms', 2, 'passed'], ['wait 0s', undefined, 'passed']]);
});

// ---- several agents ----

const pair = { agents: { left: { as: 'e/l', command: `${TINY} echo` }, right: { as: 'e/r', command: `${TINY} report '{"r":1}'` } } };
table([
  ['several agents run side by side, each as itself', 'passed', /PASSED/, [{ log: 'listening' }, { desired: { a: 1 } }, { expect: 'reported', match: { a: 1 } }, { twin: { reported: { r: 1 } }, on: 'e/r' }, { log: 'connected', of: 'right' }], pair],
  ['what an agent writes is its own', 'failed', /the agent wrote no such line\n[\s\S]*-- left --\n[\s\S]*listening[\s\S]*-- right --\n/, [{ log: 'listening' }, { log: 'listening', of: 'right', within: '200ms' }], pair],
  ['agents are stopped and started one by one', 'passed', /PASSED/, [{ log: 'connected', of: 'right' }, { log: 'listening' }, { kill: 'right' }, { expect: 'disconnected', on: 'e/r' }, { never: 'disconnected', on: 'e/l', for: '100ms' }, { start: 'right' }, { log: 'connected', of: 'right' }, { restart: 'left' }, { log: 'listening' }], pair],
  ['an agent that waits for its step does so', 'failed', /the agent 'late' was not started; say \{"start":"late"\}/, [{ expect: 'reported', on: 'e/x', within: '300ms' }], { agents: { left: pair.agents.left, late: { as: 'e/x', start: 'manual', command: 'true' } } }],
  ['agents have folders and variables of their own', 'passed', /PASSED/, [{ log: 'e/l MARK e/l', within: '3s' }, { log: 'e/r mark e/r', of: 'right' }], { agents: {
    left: { as: 'e/l', files: { f: '${id}' }, command: "sh -c 'cat f; echo \" MARK ${deviceId}/${moduleId}\"'" }, right: { as: 'e/r', files: { f: '${id}' }, command: "sh -c 'cat f; echo \" mark ${deviceId}/${moduleId}\"'" } } }],
  ['each agent that dies is a failure', 'failed', /the agent 'right' ended by itself: exit code 7/, [{ wait: '300ms' }], { agents: { left: pair.agents.left, right: { as: 'e/r', command: "sh -c 'exit 7'" } } }],
  ['an end that was expected of one agent is none of the other', 'failed', /the agent 'left' ended by itself: exit code 7/, [{ exit: 7, of: 'right' }, { wait: '100ms' }], { agents: { left: { as: 'e/l', command: "sh -c 'exit 7'" }, right: { as: 'e/r', command: "sh -c 'exit 7'" } } }],
  ['when all agents have ended nothing more is waited for', 'failed', /the agent has ended by itself/, [{ expect: 'reported', within: '50s' }], { agents: { left: { as: 'e/l', command: 'true' }, right: { as: 'e/r', command: 'true' } } }],
  ['as long as one agent runs there is hope', 'passed', /PASSED/, [{ expect: 'reported', on: 'e/r' }], { agents: { left: { as: 'e/l', command: 'true' }, right: { as: 'e/r', command: `sh -c "sleep 1; exec ${TINY} report '{}'"` } } }],
  ['the first agent is the one called agent', 'passed', /PASSED/, [{ expect: 'reported', match: { a: 1 } }, { log: 'listening', of: 'left' }, { stop: 'agent' }, { exit: { $any: [0, 143] } }], { agent: { as: 'e/m', command: `${TINY} report '{"a":1}'` }, agents: { left: pair.agents.left } }],
  ['an agent takes over another with its identity', 'passed', /PASSED/, [{ log: 'connected' }, { start: 'twin' }, { expect: 'disconnected', event: { reason: 'takeover' } }], { agents: { left: pair.agents.left, twin: { as: 'e/l', start: 'manual', command: `${TINY} report {}` } } }],
]);

// ---- faults and the hub's clock ----

const echo = { agent: { as: 'e/m', command: `${TINY} echo` } };
table([
  ['a fault that lies in wait strikes at its operation', 'passed', /PASSED/, [{ log: 'listening' }, { fault: 'lose', operation: 'desired' }, { desired: { a: 1 } }, { expect: 'fault', event: { type: 'lose', operation: 'desired', phase: 'injected' } }, { never: 'reported', for: '200ms' }, { desired: { a: 2 } }, { expect: 'reported', match: { a: 2 } }], echo],
  ['a fault that lies in wait leaves the cursor', 'passed', /PASSED/, [{ report: { a: 1 }, on: 'dev' }, { fault: 'lose', operation: 'desired' }, { expect: 'reported', on: 'dev' }], { ...dev, ...echo }],
  ['a fault may concern identities of a pattern', 'passed', /PASSED/, [{ fault: 'status', on: 'dev*', status: 429, times: 2 }, { report: { a: 1 }, on: 'dev/m', refused: 429 }, { expect: 'fault', on: 'dev/m' }, { report: { a: 1 }, on: 'dev', refused: 429 }, { report: { a: 1 }, on: 'dev' }], dev],
  ['faults are cleared, and what they hold back leaves', 'passed', /PASSED/, [{ log: 'listening' }, { fault: 'hold', operation: 'desired', times: 0 }, { desired: { a: 1 } }, { never: 'reported', for: '200ms' }, { clear: 'faults' }, { expect: 'fault', event: { phase: 'released' } }, { expect: 'reported', match: { a: 1 } }], echo],
  ['a fault that the hub refuses is red', 'failed', /the hub refused it with 400/, [{ fault: '${type}', on: 'dev' }], { ...dev, vars: { type: 'gremlins' } }],
  ['a connection ends by itself later on', 'passed', /PASSED/, [{ connect: 'dev' }, { fault: 'disconnect', on: 'dev', at: '200ms' }, { expect: 'disconnected', on: 'dev', event: { reason: 'fault' } }], dev],
  ['a connection that a fault ends before a report is dealt with is no error', 'passed', /PASSED/, [{ connect: 'dev' }, { fault: 'disconnect', on: 'dev', operation: 'reported' }, { report: { a: 1 }, on: 'dev' }, { expect: 'disconnected', on: 'dev' }, { twin: { reported: { a: { $absent: true } } }, on: 'dev' }, { report: { a: 2 }, on: 'dev' }], dev],
  ['a connection is refused as long as a fault says so', 'passed', /PASSED/, [{ fault: 'refuse', on: 'dev', reason: 'expired', times: 2 }, { connect: 'dev', refused: true }, { expect: 'refused', event: { reason: { $regex: 'expired' } } }, { connect: 'dev', refused: true }, { connect: 'dev' }], dev],
  ['a fault strikes everybody at once', 'passed', /PASSED/, [{ connect: 'dev' }, { connect: 'dev/m' }, { fault: 'disconnect', on: '*' }, { expect: 'disconnected', on: 'dev' }], dev],
  ['the clock goes ahead, and tokens end by it', 'passed', /PASSED/, [{ connect: 'dev' }, { clock: { advance: '2h' } }, { expect: 'disconnected', on: 'dev', event: { reason: 'token' } }, { connect: 'dev', refused: true }, { clock: { advance: '-2h' } }, { connect: 'dev' }], dev],
  ['the clock stands still and goes on', 'passed', /PASSED/, [{ clock: 'freeze' }, { desired: { a: 1 }, on: 'dev' }, { desired: { a: 2 }, on: 'dev' }, { clock: 'resume' }], dev],
  ['the SDKs ask for faults where the scenario allows it', 'passed', /PASSED/, [{ send: '', on: 'dev', properties: { AzIoTHub_FaultOperationType: 'KillTcp', AzIoTHub_FaultOperationCloseReason: 'x', AzIoTHub_FaultOperationDelayInSecs: '0', AzIoTHub_FaultOperationDurationInSecs: '0' } }, { expect: 'fault', on: 'dev', event: { sdk: true } }, { expect: 'disconnected', on: 'dev' }], { ...dev, hub: { faultMessages: true } }],
]);

// ---- several events: when, in which order, of what form ----

const after = (...waits) => waits.flatMap((wait) => [{ wait }, { send: {}, on: 'dev' }]);
const ascending = (...list) => list.map((n) => ({ send: { n }, on: 'dev' }));
table([
  ['what comes late enough is not too early', 'passed', /PASSED/, [{ connect: 'dev' }, { expect: 'twin-get', on: 'dev' }, ...after('300ms'), { expect: 'telemetry', on: 'dev', notBefore: '250ms' }], dev],
  ['what comes too early is red', 'failed', /it came too early: 0\.\d+ s behind the event before the cursor \(twin-get\), not 5\.000 s\n +it was: telemetry #\d+/, [{ connect: 'dev' }, { expect: 'twin-get', on: 'dev' }, ...after('1ms'), { expect: 'telemetry', on: 'dev', notBefore: '5s' }], dev],
  ['gaps that grow', 'passed', /PASSED/, [...after('0s', '100ms', '300ms', '600ms'), { expect: 'telemetry', on: 'dev', count: 4, gaps: { grow: true, jitter: true, min: '90ms', max: '5s' } }], dev],
  ['gaps that do not grow are red, and told', 'failed', /the gaps between them do not grow: 0\.\d+ s, 0\.\d+ s, 0\.\d+ s\n/, [...after('0s', '400ms', '200ms', '10ms'), { expect: 'telemetry', on: 'dev', count: 4, gaps: { grow: true } }], dev],
  ['gaps that are too short are red', 'failed', /are shorter than they may be: 0\.\d+ s\n/, [...after('0s', '10ms'), { expect: 'telemetry', on: 'dev', count: 2, gaps: { min: '10s' } }], dev],
  ['gaps that are too long are red', 'failed', /are longer than they may be: /, [...after('0s', '200ms'), { expect: 'telemetry', on: 'dev', count: 2, gaps: { max: '50ms' } }], dev],
  ['versions that increase', 'passed', /PASSED/, [{ report: { a: 1 }, on: 'dev' }, { report: { a: 2 }, on: 'dev' }, { report: { a: 3 }, on: 'dev' }, { expect: 'reported', on: 'dev', count: 3, increasing: '$.version', save: { v: '$.version' } }], dev],
  ['values that do not increase are red', 'failed', /'n' does not increase: 2 behind 2\n +it was: telemetry/, [...ascending(1, 2, 2), { expect: 'telemetry', on: 'dev', count: 3, increasing: 'n' }], dev],
  ['an order needs numbers', 'failed', /there is no number at 'm'/, [...ascending(1, 2), { expect: 'telemetry', on: 'dev', count: 2, increasing: 'm' }], dev],
]);

const forms = [
  ['a message of the right form', 'passed', /PASSED/, { n: 1 }],
  ['a message of a wrong form is red, and says what is wrong', 'failed', /it does not fit form\.json\n +it was: telemetry #\d+[^\n]*\n +\{"n":"x"\}\n +n: /, { n: 'x' }],
  ['a message that is no JSON has no form', 'failed', /its body is no JSON/, { base64: 'AP8=' }],
];
for (const [name, verdict, says, send] of forms) {
  test(name, async (t) => {
    const dir = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'twinsim-form-'));
    t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
    fs.writeFileSync(path.join(dir, 'form.json'), '{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}');
    const { stdout, result } = await runScenario(t, { name, ...dev, steps: [{ send, on: 'dev' }, { expect: 'telemetry', on: 'dev', schema: path.join(dir, 'form.json') }] });
    assert.equal(result.verdict, verdict, stdout);
    assert.match(stdout.replaceAll(`${dir}/`, ''), says);
  });
}

// ---- what an agent uses ----

const sleeper = { agent: { as: 'e/m', command: "sh -c 'sleep 1000 & echo ready; wait'" } }, busy = { agent: { as: 'e/m', command: "sh -c 'echo ready; while :; do :; done'" } };
table([
  ['an agent that sleeps uses little', 'passed', /PASSED/, [{ log: 'ready' }, { usage: { cpuMs: { $lte: 100 }, peakKb: { $gt: 100, $lt: 100000 }, processes: 2 }, over: '300ms' }], sleeper],
  ['an agent that is busy is told so', 'failed', /the agent uses more or less than it should\n +cpuMs: expected \{"\$lt":50\}, got \d+/, [{ log: 'ready' }, { usage: { cpuMs: { $lt: 50 } }, over: '1s' }], busy],
  ['an agent has used what it used since its start', 'passed', /PASSED/, [{ log: 'ready' }, { wait: '700ms' }, { usage: { cpuMs: { $gte: 50 } } }], busy],
  ['an agent that has ended uses nothing', 'failed', /it does not run, so it uses nothing/, [{ exit: 0 }, { usage: { cpuMs: 0 } }], { agent: { as: 'e/m', command: 'true' } }],
]);
