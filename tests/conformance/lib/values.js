// values.js - documents that several cases send one way or the other.
'use strict';

/** Every kind of value that a twin holds. */
const kinds = {
  text: 'a "quoted" \\ text', empty: '', zero: 0, negative: -17, fraction: 3.25, large: 4503599627370495, small: -4503599627370496, yes: true, no: false,
  object: { deep: { deeper: { deepest: [1, 'two', false, { three: 3 }] } } }, list: [], lists: [[1], [2, [3]]], nothing: {},
};
/** Texts and keys in several scripts. */
const letters = { 'größe': 'Straße', 'ключ': 'Привет', '鍵': '値', 'مفتاح': 'قيمة', 'emoji😀': '👩‍🔬', 'a:b-c_d/e': 'signs', tabs: 'line 1\nline 2\tend', quote: '"' };
/** An object of about so many bytes, in texts of at most 4000. */
const big = (bytes) => Object.fromEntries(Array.from({ length: Math.ceil(bytes / 4000) }, (_, i) => [`k${i}`, String.fromCharCode(97 + (i % 26)).repeat(3990)]));
/** So many objects in each other, the innermost 1. */
const deep = (levels) => (levels ? { n: deep(levels - 1) } : 1);

module.exports = { big, deep, kinds, letters };
