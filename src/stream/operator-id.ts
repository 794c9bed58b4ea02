/**
 * The id under which an operator's state is stored, made from the uid that its author gave it. It follows the hash that
 * Flink uses for `uid(…)`, so a savepoint names the same operator here and there. It runs once per operator, hence plain
 * bigint arithmetic.
 */

/** The operator id of a uid: Murmur3 x64-128 of its UTF-8 bytes with seed 0, as 32 hex digits. */
export function operatorIdOf(uid: string): string {
  const bytes = Buffer.from(uid, 'utf8');
  const blocks = bytes.length >> 4;
  let h1 = 0n;
  let h2 = 0n;
  for (let block = 0; block < blocks; block++) {
    h1 ^= mixFirst(bytes.readBigUInt64LE(block * 16));
    h1 = wrap((rotate(h1, 27n) + h2) * 5n + 0x52dce729n);
    h2 ^= mixSecond(bytes.readBigUInt64LE(block * 16 + 8));
    h2 = wrap((rotate(h2, 31n) + h1) * 5n + 0x38495ab5n);
  }
  // A short last block counts as if it were filled up with zeros, which mix to nothing.
  const tail = Buffer.alloc(16);
  bytes.copy(tail, 0, blocks * 16);
  const length = BigInt(bytes.length);
  h1 ^= mixFirst(tail.readBigUInt64LE(0)) ^ length;
  h2 ^= mixSecond(tail.readBigUInt64LE(8)) ^ length;
  h1 = wrap(h1 + h2);
  h2 = wrap(h2 + h1);
  h1 = avalanche(h1);
  h2 = avalanche(h2);
  h1 = wrap(h1 + h2);
  h2 = wrap(h2 + h1);
  const id = Buffer.alloc(16);
  id.writeBigUInt64LE(h1, 0);
  id.writeBigUInt64LE(h2, 8);
  return id.toString('hex');
}

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

const mixFirst = (word: bigint): bigint => wrap(rotate(wrap(word * C1), 31n) * C2);

const mixSecond = (word: bigint): bigint => wrap(rotate(wrap(word * C2), 33n) * C1);

function avalanche(word: bigint): bigint {
  let mixed = wrap((word ^ (word >> 33n)) * 0xff51afd7ed558ccdn);
  mixed = wrap((mixed ^ (mixed >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return mixed ^ (mixed >> 33n);
}

const rotate = (word: bigint, by: bigint): bigint => wrap((word << by) | (word >> (64n - by)));

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
