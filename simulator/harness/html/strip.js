/* strip.js - the picture of time: lanes from top to bottom, time to the right, drawn as a handful of paths however much happened. */
'use strict';

const CUT = 0.12; /* a quiet stretch takes no more of the width than this, */
const BESIDE = 17; /* from one parallel lane of steps to the next */
const CUT_MIN = 25e3; /* but one as short as this (in us) is shown as long as it was */

/* A scale from time to place that cuts quiet stretches: {x(us), cuts: [{fromUs, toUs}]} over [0, width]. */
function timeScale(points, width) {
  const times = [...new Set(points)].sort((a, b) => a - b);
  const gaps = times.slice(1).map((t, i) => t - times[i]);
  let limit = Infinity;
  for (let i = 0; i < 40; i++) {
    const next = Math.max(CUT_MIN, CUT * gaps.reduce((sum, gap) => sum + Math.min(gap, limit), 0));
    if (next >= limit * 0.99) break;
    limit = next;
  }
  const places = [0];
  for (const gap of gaps) places.push(places[places.length - 1] + Math.min(gap, limit));
  const all = places[places.length - 1] || 1;
  const find = (us) => {
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= us) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const x = (us) => {
    const i = find(us);
    const gap = gaps[i] ?? 0;
    const part = gap ? Math.min(1, Math.max(0, (us - times[i]) / gap)) * Math.min(gap, limit) : 0;
    return ((places[i] + part) / all) * width;
  };
  const cuts = gaps.flatMap((gap, i) => (gap > limit * 1.15 ? [{ fromUs: times[i], toUs: times[i + 1] }] : []));
  return { x, cuts };
}

const svg = (tag, attributes, ...children) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

/* Draw the picture into `box` and tell `pick(row)` what was clicked, `point(row)` what is pointed at. */
function drawStrip(box, model, { pick, point }) {
  const draw = () => {
    const width = Math.max(280, box.clientWidth);
    const lane = width < 600 ? 30 : 34;
    const pad = 12;
    const { lanes, steps, abreast, endUs } = model;
    const more = (abreast - 1) * BESIDE; /* steps in parallel lanes stand below each other */
    const events = model.events.filter((row) => row.us >= 0);
    const height = lanes.length * lane + more + 26;
    const { x: scaled, cuts } = timeScale([0, endUs, ...[...events, ...model.processes].map((row) => row.us), ...steps.flatMap((row) => [row.us, row.endUs])], width - 2 * pad);
    const x = (us) => pad + scaled(us);
    const y = (i) => i * lane + lane / 2 + 6 + (i ? more : 0);
    const picture = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': describe(model) });

    lanes.forEach((one, i) => {
      picture.append(
        svg('line', { x1: pad, x2: width - pad, y1: y(i), y2: y(i), class: 'lane' }),
        svg('text', { x: 2, y: y(i) - lane / 2 + 8, class: 'lane-name' }, one.id && one.name !== one.id && width >= 600 ? `${one.name}  ${one.id}` : one.name));
    });
    for (const cut of cuts) {
      const middle = (x(cut.fromUs) + x(cut.toUs)) / 2;
      let zigzag = `M${middle} 2`;
      for (let at = 8; at < height - 18; at += 6) zigzag += `L${middle + ((at / 2) % 2 ? 3 : -3)} ${at}`;
      picture.append(svg('path', { d: zigzag, class: 'cut' }), svg('text', { x: middle, y: height - 4, class: 'cut-text' }, lasting(cut.toUs - cut.fromUs)));
    }
    drawLives(picture, model, x, y);
    drawSteps(picture, model, x, y(0));
    drawEvents(picture, events, x, y);
    drawTicks(picture, x, cuts, endUs, height, width, pad);
    box.replaceChildren(picture);
    picture.addEventListener('pointermove', (e) => point(nearestTo(e, picture)));
    picture.addEventListener('click', (e) => pick(nearestTo(e, picture)));

    /* The event or step whose mark is next to the pointer. */
    function nearestTo(e, over) {
      const box = over.getBoundingClientRect();
      const px = e.clientX - box.left;
      const py = e.clientY - box.top;
      if (py < lane + more + 4) {
        const hit = steps.findLast((row) => Math.abs(y(0) + ((row.step.lane ?? 1) - 1) * BESIDE - py) < 10 && px >= x(row.us) - 2 && px <= Math.max(x(row.endUs), x(row.us) + 5));
        if (hit) return hit;
      }
      let best;
      let distance = 24;
      for (const row of events) {
        const [top, bottom] = [Math.min(...row.path), Math.max(...row.path)].map(y);
        const away = Math.abs(x(row.us) - px) + Math.max(0, top - 8 - py, py - bottom - 8) / 2;
        if (away < distance) [best, distance] = [row, away];
      }
      return best;
    }
  };
  draw();
  let drawnAt = box.clientWidth;
  new ResizeObserver(() => {
    if (box.clientWidth !== drawnAt && box.clientWidth) draw();
    drawnAt = box.clientWidth;
  }).observe(box);
}

/* A bar for each step; a group of parallel ones is a frame around theirs. */
function drawSteps(picture, { steps, abreast, red }, x, top) {
  for (const row of steps) {
    const from = x(row.us);
    const wide = Math.max(4, x(row.endUs) - from);
    const y = top + ((row.step.lane ?? 1) - 1) * BESIDE;
    const verdict = row.step.verdict ?? '';
    if (abreast > 1 && row.step.text.startsWith('parallel ')) {
      picture.append(svg('rect', { x: from, y: y - 9, width: wide, height: 18 + (abreast - 1) * BESIDE, rx: 3, class: `group ${verdict}` }));
      continue;
    }
    picture.append(svg('rect', { x: from, y: y - 7, width: wide, height: 14, rx: 2, class: `step ${verdict}` }));
    if (wide > 16) picture.append(svg('text', { x: from + wide / 2, y: y + 4, class: 'step-number' }, String(row.index)));
  }
  if (red) {
    const at = x(red.endUs);
    const y = top + ((red.step.lane ?? 1) - 1) * BESIDE;
    picture.append(
      svg('line', { x1: at, x2: at, y1: y - 7, y2: picture.getAttribute('height') - 20, class: 'red-end' }),
      svg('path', { d: `M${at - 4} ${y - 4}l8 8m0 -8l-8 8`, class: 'red-cross' }));
  }
}

/* While an agent runs its lane is broad; a cross where it ended by itself. */
function drawLives(picture, { processes, endUs }, x, y) {
  const open = new Map();
  const line = (lane, from, to) => picture.append(svg('line', { x1: x(from), x2: x(to), y1: y(lane), y2: y(lane), class: 'life' }));
  for (const { lane, us, process } of processes.filter((row) => row.lane > 0)) {
    if (!process.end) {
      open.set(lane, us);
    } else if (open.has(lane)) {
      line(lane, open.get(lane), us);
      open.delete(lane);
      if (process.alone) picture.append(svg('path', { d: `M${x(us) - 4} ${y(lane) - 4}l8 8m0 -8l-8 8`, class: 'died' }));
    }
  }
  for (const [lane, us] of open) line(lane, us, endUs);
}

/* One path for each family: a line between lanes, an arrow's head where it ends, a dot where it stays. */
function drawEvents(picture, events, x, y) {
  const lines = new Map();
  const heads = new Map();
  const seen = new Set(); /* what falls on the same pixel is drawn once */
  const add = (map, family, text) => map.set(family, (map.get(family) ?? '') + text);
  for (const row of events) {
    const [from, to] = row.path;
    const at = x(row.us);
    const family = familyOf(row.event);
    const key = `${family} ${from} ${to} ${Math.round(at * 2)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (from === to) {
      add(heads, family, `M${at - 4} ${y(to)}l4 -4l4 4l-4 4z`);
    } else {
      const down = to > from ? 1 : -1;
      add(lines, family, `M${at} ${y(from)}V${y(to)}`);
      add(heads, family, `M${at} ${y(to)}l-4 ${-7 * down}h8z`);
    }
  }
  for (const [family, d] of lines) picture.append(svg('path', { d, class: `line ${family}` }));
  for (const [family, d] of heads) picture.append(svg('path', { d, class: `head ${family}` }));
  for (const row of events.filter((one) => one.isNearest)) {
    const at = x(row.us);
    const [top, bottom] = [Math.min(...row.path), Math.max(...row.path)].map(y);
    picture.append(svg('rect', { x: at - 8, y: top - 8, width: 16, height: bottom - top + 16, rx: 8, class: 'nearest' }));
  }
}

/* Times along the bottom: round ones, where there is room and time runs evenly. */
function drawTicks(picture, x, cuts, endUs, height, width, pad) {
  const isCut = (us) => cuts.some((cut) => us > cut.fromUs && us < cut.toUs);
  const taken = cuts.map((cut) => [(x(cut.fromUs) + x(cut.toUs)) / 2 - 30, (x(cut.fromUs) + x(cut.toUs)) / 2 + 30]);
  const put = (us, text) => {
    const at = x(us);
    const half = text.length * 3.6;
    const place = Math.min(width - half - 1, Math.max(half + 1, at));
    if (taken.some(([from, to]) => place + half > from && place - half < to)) return;
    taken.push([place - half - 8, place + half + 8]);
    picture.append(svg('line', { x1: at, x2: at, y1: height - 22, y2: height - 16, class: 'tick' }), svg('text', { x: place, y: height - 4, class: 'tick-text' }, text));
  };
  put(0, '0');
  put(endUs, `${seconds(endUs)} s`);
  for (const unit of [10e6, 5e6, 1e6, 500e3, 200e3, 100e3, 50e3, 20e3, 10e3, 5e3]) {
    if (endUs / unit > 500) break;
    for (let us = unit; us < endUs; us += unit) if (!isCut(us)) put(us, unit < 1e6 ? `${(us / 1e6).toFixed(unit < 100e3 ? 2 + (unit < 10e3) : 1)}` : String(us / 1e6));
  }
}

function describe({ lanes, events, steps, red, endUs }) {
  return `Time from 0 to ${lasting(endUs)}, lanes ${lanes.map((lane) => lane.name).join(', ')}: ${steps.length} steps, ${events.length} events` +
    `${red ? `; step ${red.index} is red at ${seconds(red.endUs)} s` : ''}. The list below says the same in words.`;
}
