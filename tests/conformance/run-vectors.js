#!/usr/bin/env node
// usage: node tests/conformance/run-vectors.js [--memory | --wire] [--write | --rewrite] [--only TEXT] [FILE|FOLDER...]
//
// Plays the conformance vectors (tests/conformance/vectors, or those named) in memory and over MQTT and TLS, and compares: the two with
// each other, and with the file. Prints TAP; ends with 1 if a vector failed. A failing one tells its file, the step, what was expected,
// what came.
//
//   --memory   only in memory (fast; what runs over the wire alone is passed over)       --wire   only over the wire
//   --write    fill in what a file leaves out: "out" of its steps, "after"               --rewrite   all of it, anew
//   --only T   only vectors with T in their name
//
// What --write fills in is what we do. Hold it against the fact before you keep it: a vector proves the fact.
// TWINSIM_BIN names the build (support/hub.js); TWINSIM_VECTOR_HUBS how many hubs share the work (2).
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { load, FOLDER } = require('./runner/load.js');
const { Memory } = require('./runner/memory.js');
const { Wire } = require('./runner/wire.js');
const { play } = require('./runner/play.js');
const { againstFile, betweenRuns } = require('./runner/compare.js');
const { rewrite } = require('./runner/write.js');

const VECTOR_MS = 60000;

function readArguments(argv) {
  const options = { memory: true, wire: true, places: [] };
  for (let n = 0; n < argv.length; n++) {
    const word = argv[n];
    if (word === '--memory') options.wire = false;
    else if (word === '--wire') options.memory = false;
    else if (word === '--write' || word === '--rewrite') options.write = word.slice(2);
    else if (word === '--only') options.only = argv[++n];
    else if (word.startsWith('-')) {
      process.stderr.write(fs.readFileSync(__filename, 'utf8').split('\n').slice(1).filter((line, k, all) => all.slice(0, k + 1).every((l) => l.startsWith('//'))).map((line) => line.slice(3)).join('\n') + '\n');
      process.exit(word === '--help' || word === '-h' ? 0 : 2);
    } else options.places.push(path.resolve(word));
  }
  return options;
}

/** Vectors with the same key share a hub. What a tier has counted is no state that can be set back. */
const keyOf = ({ hub, name }) => JSON.stringify(hub ?? {}) + (hub?.profile ? name : '');

/** The next vector for a worker: for the hub it has, else for one that no other worker has. */
function next(queue, worker, workers) {
  const others = workers.filter((w) => w !== worker).map((w) => w.key);
  const at = [(v) => keyOf(v) === worker.key, (v) => !others.includes(keyOf(v)), () => true].map((fits) => queue.findIndex(fits)).find((n) => n >= 0);
  const [vector] = queue.splice(at, 1);
  worker.key = keyOf(vector);
  return vector;
}

/** One after the other on one hub (and one child in memory), until there is no vector left. */
class Worker {
  constructor(options) {
    this.options = options;
  }

  async one(vector) {
    const result = { vector };
    try {
      if (this.options.memory && vector.runs === 'both') result.memory = await this.within(vector, async () => play(vector, await this.inMemory()));
      if (this.options.wire) result.wire = await this.within(vector, async () => play(vector, await this.onTheWire(vector), result.memory?.steps ?? vector.steps.map((s) => ({ out: [] }))));
      result.transcript = result.memory ?? result.wire;
      if (!this.options.write) result.problem = this.judge(result);
      else if (result.memory && result.wire) result.problem = betweenRuns(vector, result.memory, result.wire);
    } catch (error) {
      result.problem = { step: 'playing it', expected: 'to come to its end', got: error.stack };
      await this.stop().catch(() => {}); // whatever state it is in: the next vector gets a fresh one
    }
    return result;
  }

  judge({ vector, memory, wire }) {
    if (memory && wire && betweenRuns(vector, memory, wire)) return betweenRuns(vector, memory, wire);
    for (const one of [memory, wire]) if (one && againstFile(vector, one)) return againstFile(vector, one);
    return undefined;
  }

  within(vector, f) {
    let timer;
    const limit = new Promise((resolve, reject) => (timer = setTimeout(() => reject(new Error(`it took more than ${VECTOR_MS} ms`)), VECTOR_MS)));
    return Promise.race([f(), limit]).finally(() => clearTimeout(timer));
  }

  async inMemory() {
    this.memory ??= await Memory.start();
    return this.memory;
  }

  async onTheWire({ hub, name }) {
    const key = keyOf({ hub, name });
    if (this.wire && this.wireKey !== key) {
      const old = this.wire;
      this.wire = undefined;
      await old.stop();
    }
    this.wire ??= await Wire.start(hub ?? {});
    this.wireKey = key;
    return this.wire;
  }

  async stop() {
    const { memory, wire } = this;
    this.memory = this.wire = undefined;
    await Promise.all([memory?.stop(), wire?.stop()]);
  }
}

function report({ vector, problem }, number) {
  const title = vector.name.replace(/#/g, '\\#');
  if (!problem) return `ok ${number} - ${title}`;
  const show = (value) => (typeof value === 'string' ? value : Array.isArray(value) ? value.map((one) => JSON.stringify(one)).join('\n#     ') || 'nothing' : JSON.stringify(value));
  return `not ok ${number} - ${title}\n#   file      tests/conformance/vectors/${vector.file}\n#   step      ${problem.step}\n#   expected\n#     ${cut(show(problem.expected))}\n#   got\n#     ${cut(show(problem.got))}`;
}
const cut = (text) => (text.length > 6000 ? `${text.slice(0, 6000)} ... ${text.length - 6000} characters more` : text).replace(/\n(?!#)/g, '\n#     ');

async function main() {
  const options = readArguments(process.argv.slice(2));
  let vectors;
  try {
    vectors = load(options.places.length ? options.places : [FOLDER]);
  } catch (error) {
    process.stdout.write(`${error.message}\n# fail 1\n`);
    process.exit(3);
  }
  vectors = vectors.filter((v) => (!options.only || v.name.includes(options.only)) && (options.wire || v.runs === 'both'));
  const queue = [...vectors];
  const begin = Date.now();
  const results = [];
  let failed = 0;
  const troubles = [];
  const workers = Array.from({ length: Math.min(Number(process.env.TWINSIM_VECTOR_HUBS ?? 2), queue.length || 1) }, () => new Worker(options));
  await Promise.all(workers.map(async (worker) => {
    while (queue.length) {
      const result = await worker.one(next(queue, worker, workers));
      results.push(result);
      failed += result.problem && !(options.write && result.transcript) ? 1 : 0;
      if (!options.write) process.stdout.write(`${report(result, results.length)}\n`);
    }
    await worker.stop().catch((error) => troubles.push(error));
  }));
  for (const error of troubles) process.stdout.write(`not ok ${results.length + 1} - the hubs end cleanly\n# ${error.stack.replaceAll('\n', '\n# ')}\n`);
  failed += troubles.length;
  if (options.write) rewrite(results, options.write === 'rewrite');
  const both = results.filter((r) => r.vector.runs === 'both').length;
  process.stdout.write(`1..${results.length + troubles.length}\n# tests ${results.length}\n# pass ${results.length - failed + troubles.length}\n# fail ${failed}\n# ${both} in memory and over the wire, ${results.length - both} over the wire alone; ${((Date.now() - begin) / 1000).toFixed(1)} s\n`);
  process.exitCode = failed ? 1 : 0;
}

main();
