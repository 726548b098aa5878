// run-agents.test.js - agents that misbehave: each ends within its limit, with a verdict that says what was wrong, and leaves nothing behind.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { runScenario } = require('../support/runner.js');

const agent = { as: 'edge-1/m' };
const TINY = `node ${path.resolve(__dirname, '../support/tiny-agent.js')}`;
const expects = { name: 'it reports', agent, steps: [{ expect: 'reported', within: '2s' }] };
const waits = { name: 'it waits', agent, steps: [{ wait: '300ms' }] };

/** name, scenario, the agent's command, verdict, what the report says, and how long it may take at most */
const cases = [
  ['an agent that ends at once is noticed long before the limit', { ...expects, steps: [{ expect: 'reported', within: '40s' }] }, "sh -c 'echo cannot work; exit 3'", 'failed', /the agent has ended by itself[\s\S]*the agent has ended: exit code 3\n[\s\S]*\| cannot work\n/, 8],
  ['an agent that dies by a signal is told so', expects, "sh -c 'kill -SEGV $$'", 'failed', /the agent has ended: signal 11 \(Segmentation fault\)/, 8],
  ['an agent that dies while nobody looks is a failure all the same', waits, "sh -c 'exit 4'", 'failed', /the agent ended by itself: exit code 4/, 5],
  ['an agent that died before it is started again is a failure all the same', { name: 'n', agent, steps: [{ wait: '300ms' }, { restart: 'agent' }, { wait: '100ms' }] }, "sh -c 'test -e again && exec sleep 1000; touch again; exit 4'", 'failed', /:\d+:\d+: restart agent\n +the agent ended by itself: exit code 4/, 5],
  ['an agent that ends well while nobody looks is none', waits, 'true', 'passed', /PASSED/, 5],
  ['an agent that never connects is told so', expects, 'sleep 1000', 'failed', /the agent has never connected as edge-1\/m; it is running/, 8],
  ['an agent that is refused is told why', expects, `env IOTHUB_DEVICE_CONNECTION_STRING=HostName=\${host};DeviceId=edge-1;ModuleId=m;SharedAccessKey=d3Jvbmcga2V5LCBidXQgbG9uZyBlbm91Z2g= ${TINY} report {}`, 'failed', /the hub refused a connection: .*signature/i, 8],
  ['an agent that floods its output is read, and its end is kept', expects, "sh -c 'while :; do echo flooding and flooding; done'", 'failed', /the agent wrote \d{5,} bytes; the last:\n( +\| flooding and flooding\n){20}/, 8],
  ['an agent that writes no text does no harm', expects, "sh -c 'printf \"\\033[31m\\000\\377\\376\\tend\\n\"; sleep 1000'", 'failed', /\| \?\[31m.*end\n/, 8],
  ['an agent that forks leaves nothing behind', expects, "sh -c 'for i in 1 2 3 4 5 6 7 8; do (setsid sleep 1000 MARK &) ; sleep 1000 & done; exec sleep 1000' MARK", 'failed', /never connected/, 10],
  ['an agent that becomes a daemon leaves nothing behind', { name: 'n', agent, steps: [{ wait: '500ms' }] }, "sh -c '(setsid sh -c \"sleep 1000; : MARK\" >/dev/null 2>&1 &); exit 0' MARK", 'passed', /note: the agent left \d process(es)? behind; ended/, 8],
  ['an agent that keeps its output open in a grandchild does not hold us up', { ...expects, steps: [{ expect: 'reported', within: '1s' }] }, "sh -c 'setsid sleep 1000 & exit 0'", 'failed', /no such event within 1 s/, 8],
  ['an agent that does not end on SIGTERM is killed, and that is a failure', waits, "sh -c 'trap \"\" TERM; while :; do sleep 1000; done'", 'failed', /did not end within 3 s of SIGTERM; it was killed/, 10],
  ['an agent that does not end on stop makes the step red', { name: 'n', agent, steps: [{ log: 'ready' }, { stop: 'agent' }] }, "sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1000; done'", 'failed', /:\d+:\d+: stop agent\n +the agent did not end within 3 s of SIGTERM/, 10],
  ['an agent that multiplies is stopped', { ...expects, steps: [{ expect: 'reported', within: '1s' }] }, "sh -c 'n=0; while [ $n -lt 300 ]; do n=$((n+1)); (setsid sh -c \"sleep 1000 & sleep 1000\" &) ; done; sleep 1000'", 'failed', /no such event/, 20],
  ['an agent that makes its folder unreadable leaves no folder', waits, "sh -c 'mkdir -p a/b; touch a/b/c; ln -s / a/root; chmod 0 a/b; chmod 0 a; sleep 1000'", 'passed', /PASSED/, 5],
];
for (const [name, scenario, command, verdict, says, limit] of cases) {
  test(name, async (t) => {
    const began = Date.now();
    const { stdout, result, left } = await runScenario(t, scenario, '--agent', command);
    assert.equal(result.verdict, verdict, stdout);
    assert.match(stdout, says);
    assert.deepEqual(left(), []);
    assert.ok(Date.now() - began < 2 * limit * 1000, `within ${limit} s on a quiet machine`);
    assert.ok(fs.existsSync('/etc/passwd') && fs.existsSync('/usr'), 'and the rest of the machine is still there');
  });
}

for (const [name, command, says] of [
  ['an agent that is not there is an error that names it', 'no-such-agent', /cannot start 'no-such-agent' in .*: No such file or directory/],
  ['an agent that is no program is an error', '/etc/passwd', /cannot start '\/etc\/passwd' in .*: Permission denied/],
]) {
  test(name, async (t) => {
    const { stdout, result, left } = await runScenario(t, { ...expects, agent: { ...agent, command } });
    assert.equal(result.verdict, 'error', stdout);
    assert.match(stdout, says);
    assert.deepEqual(left(), []);
  });
}

test('an agent on the command line that cannot be started is told before anything runs', async (t) => {
  for (const [command, says] of [
    ['no-such-agent --verbose', "--agent: 'no-such-agent' cannot be started (it is looked for on PATH; ./ means this folder): No such file or directory"],
    ['./no-such-agent', "--agent: './no-such-agent' cannot be started: No such file or directory"],
    ['/etc/passwd', "--agent: '/etc/passwd' cannot be started: Permission denied"],
    ['/tmp', "--agent: '/tmp' cannot be started: Is a directory"],
    ['"no end', '--agent is no command: a quote is not closed, or it ends with a lone backslash'],
    [' ', '--agent is no command: there is no word in it'],
  ]) {
    const { code, stdout, stderr, left } = await runScenario(t, waits, '--agent', command);
    assert.deepEqual([code, stdout, stderr], [2, '', `twinsim: ${says}\n`]);
    assert.deepEqual(left(), []);
  }
});

test('several agents that misbehave at once leave nothing behind', async (t) => {
  const { stdout, result, left } = await runScenario(t, { name: 'n', steps: [{ log: 'ready', of: 'hangs' }, { wait: '500ms' }], agents: {
    hangs: { as: 'e/a', command: "sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1000; done' ${work}" },
    floods: { as: 'e/b', command: "sh -c 'while :; do echo flooding and flooding; done' ${work}" },
    daemon: { as: 'e/c', command: "sh -c '(setsid sh -c \"(setsid sleep 1000 &) ; sleep 1000; : ${work}\" >/dev/null 2>&1 &); exit 0'" },
    forks: { as: 'e/d', command: "sh -c 'for i in 1 2 3 4 5 6 7 8; do (setsid sh -c \"sleep 1000; : ${work}\" &) ; done; exec sleep 1000'" } } });
  assert.equal(result.verdict, 'failed', stdout);
  assert.match(stdout, /the agent 'hangs' did not end within 3 s of SIGTERM; it was killed/);
  assert.deepEqual(left(), []);
});
