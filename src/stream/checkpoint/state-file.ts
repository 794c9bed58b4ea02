/**
 * The state file: everything one subtask stored in one checkpoint, for all operators of its chain. Little-endian.
 *
 *     "FJSF" · u32 version · block · block · …
 *     block = u8 kind, 3 × 0 · u32 operator · u32 state · u32 group · u32 length · u32 crc32 · length bytes
 *
 * `operator` counts the operators of the chain, `state` the states of the operator, `group` is the key group, or counts
 * the blocks of a list that needs several. The CRC covers the five words before it and the bytes. The length comes first,
 * so a reader passes over blocks of a kind it does not know. In blocks of partitions each partition is preceded by
 * its length (varint); the manifest points at the bytes of each partition.
 */
import { crc32 } from 'node:zlib';
import { IllegalStateException } from '../../lib/java-errors.ts';
import type { StateBlockWriter } from '../state/backend.ts';
import { DataOutput } from '../types/data-output.ts';
import { CheckpointError, corruptFile } from './errors.ts';

export const STATE_FILE_VERSION = 1;
/** Bytes before the first block. */
export const STATE_FILE_HEADER_BYTES = 8;
/** Bytes before the payload of a block. */
export const BLOCK_HEADER_BYTES = 24;

/** What the bytes of a block are. */
export type BlockKind = 'keyed' | 'operator' | 'rawKeyed' | 'rawOperator';

const KIND_CODE: Readonly<Record<BlockKind, number>> = { keyed: 1, operator: 2, rawKeyed: 3, rawOperator: 4 };
const MAGIC = Buffer.from('FJSF', 'latin1');
const FIRST_CHUNK_BYTES = 64 * 1024;
const LARGEST_CHUNK_BYTES = 4 * 1024 * 1024;
const CRC_AT = 20;

/**
 * Collects the blocks of a state file in a list of chunks. Blocks are written in place: nothing is copied as long as a
 * block fits into what is left of a chunk, and chunks are sized so that it does. Not reusable.
 */
export class StateFileWriter implements StateBlockWriter {
  readonly #chunks: Uint8Array[] = [];
  readonly #out = new DataOutput(FIRST_CHUNK_BYTES);
  #sealedBytes = 0;
  #blocks = 0;
  #largestBlock = 1024;
  #operator = 0;
  #keyedIndex: readonly number[][] = [];
  #openKind: BlockKind = 'keyed';
  #openState = 0;
  #openGroup = 0;
  #openAt = -1;

  constructor() {
    this.#out.writeRaw(MAGIC);
    this.#out.writeInt32(STATE_FILE_VERSION);
  }

  /**
   * Keyed blocks from now on belong to this operator of the chain; where they lie is appended to `keyedIndex[state]`
   * as `key group, offset, length`.
   */
  beginOperator(operator: number, keyedIndex: readonly number[][]): void {
    this.#operator = operator;
    this.#keyedIndex = keyedIndex;
  }

  beginBlock(stateIndex: number, keyGroup: number): DataOutput {
    return this.begin('keyed', stateIndex, keyGroup);
  }

  endBlock(): void {
    const offset = this.end();
    if (offset < 0) return;
    const index = this.#keyedIndex[this.#openState];
    if (index === undefined || this.#openGroup <= (index.at(-3) ?? -1)) {
      throw new IllegalStateException(
        `Key group ${this.#openGroup} of state ${this.#openState} was written out of order: each key group once, ascending.`,
      );
    }
    index.push(this.#openGroup, offset, this.size - offset);
  }

  /** Starts a block of any kind; write its bytes into the result, then call `end`. */
  begin(kind: BlockKind, stateIndex: number, group: number): DataOutput {
    const out = this.#out;
    if (out.buffer.length - out.position < BLOCK_HEADER_BYTES + this.#largestBlock) this.#nextChunk();
    this.#openKind = kind;
    this.#openState = stateIndex;
    this.#openGroup = group;
    this.#openAt = out.position;
    out.reserve(BLOCK_HEADER_BYTES);
    out.position += BLOCK_HEADER_BYTES;
    return out;
  }

  /** Ends the block and says where in the file its bytes begin; an empty block is not written and answers -1. */
  end(): number {
    const out = this.#out;
    const start = this.#openAt;
    const payload = start + BLOCK_HEADER_BYTES;
    const length = out.position - payload;
    if (length === 0) {
      out.position = start;
      return -1;
    }
    const { buffer } = out;
    buffer.writeUInt32LE(KIND_CODE[this.#openKind], start);
    buffer.writeUInt32LE(this.#operator, start + 4);
    buffer.writeUInt32LE(this.#openState, start + 8);
    buffer.writeUInt32LE(this.#openGroup, start + 12);
    buffer.writeUInt32LE(length, start + 16);
    buffer.writeUInt32LE(blockCrc(buffer, start, length), start + CRC_AT);
    if (length > this.#largestBlock) this.#largestBlock = length;
    this.#blocks++;
    return this.#sealedBytes + payload;
  }

  /** Bytes of the file so far, an open block included. */
  get size(): number {
    return this.#sealedBytes + this.#out.position;
  }

  /** The bytes of the open block so far. */
  get openBytes(): number {
    return this.#out.position - this.#openAt - BLOCK_HEADER_BYTES;
  }

  /** The file in order; no chunks at all when there is no block. The writer must not be used afterwards. */
  finish(): Uint8Array[] {
    if (this.#blocks === 0) return [];
    this.#chunks.push(this.#out.view());
    return this.#chunks;
  }

  /** Seals the chunk and takes a larger one, with room for a block somewhat larger than any so far. */
  #nextChunk(): void {
    const out = this.#out;
    if (out.position > 0) this.#chunks.push(out.view());
    this.#sealedBytes += out.position;
    const room = Math.ceil((this.#largestBlock + BLOCK_HEADER_BYTES) * 1.25);
    const doubled = Math.min(out.buffer.length * 2, LARGEST_CHUNK_BYTES);
    out.buffer = Buffer.allocUnsafeSlow(Math.max(doubled, room));
    out.position = 0;
  }
}

/** One block of an opened state file. */
export interface StateBlock {
  readonly kindCode: number;
  readonly operator: number;
  readonly state: number;
  readonly group: number;
  /** A view into the file. */
  readonly bytes: Uint8Array;
}

/** A state file in memory whose framing and checksums have been found right. */
export interface OpenedStateFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** By the offset of their payload. */
  readonly blocks: ReadonlyMap<number, StateBlock>;
}

/**
 * Walks a state file and checks its framing and every checksum. Blocks of unknown kinds are passed over.
 * @throws CheckpointError CHECKPOINT_CORRUPT when anything is not as it was written
 */
export function openStateFile(path: string, content: Uint8Array): OpenedStateFile {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  checkHeader(path, bytes);
  const blocks = new Map<number, StateBlock>();
  let at = STATE_FILE_HEADER_BYTES;
  while (at < bytes.length) {
    const payload = at + BLOCK_HEADER_BYTES;
    const length = payload <= bytes.length ? bytes.readUInt32LE(at + 16) : 0;
    if (payload + length > bytes.length) {
      throw corruptFile(path, `a block of ${length} bytes at byte ${at}`, `the end of the file at ${bytes.length}`);
    }
    checkCrc(path, bytes, at, length);
    blocks.set(payload, {
      kindCode: bytes.readUInt8(at),
      operator: bytes.readUInt32LE(at + 4),
      state: bytes.readUInt32LE(at + 8),
      group: bytes.readUInt32LE(at + 12),
      bytes: bytes.subarray(payload, payload + length),
    });
    at = payload + length;
  }
  return { path, bytes, blocks };
}

/** The payload at an offset that a manifest names; it must be a whole block of that kind, state and key group. */
export function blockAt(
  file: OpenedStateFile,
  wanted: { kind: BlockKind; state: number; group: number; offset: number; length: number },
): Uint8Array {
  const block = file.blocks.get(wanted.offset);
  if (
    block === undefined ||
    block.kindCode !== KIND_CODE[wanted.kind] ||
    block.state !== wanted.state ||
    block.group !== wanted.group ||
    block.bytes.length !== wanted.length
  ) {
    const expected = `${wanted.length} bytes of ${wanted.kind} state ${wanted.state}, group ${wanted.group}, at byte ${wanted.offset}`;
    const found =
      block === undefined
        ? 'no block there'
        : `${block.bytes.length} bytes of kind ${block.kindCode}, state ${block.state}, group ${block.group}`;
    throw corruptFile(file.path, expected, found);
  }
  return block.bytes;
}

/** The bytes of one partition; it must lie inside the file. Which block holds it does not matter. */
export function partitionAt(file: OpenedStateFile, offset: number, length: number): Uint8Array {
  if (offset < STATE_FILE_HEADER_BYTES || offset + length > file.bytes.length) {
    throw corruptFile(file.path, `a partition at bytes ${offset} to ${offset + length}`, `${file.bytes.length} bytes`);
  }
  return file.bytes.subarray(offset, offset + length);
}

function checkHeader(path: string, bytes: Buffer): void {
  if (bytes.length < STATE_FILE_HEADER_BYTES || !bytes.subarray(0, 4).equals(MAGIC)) {
    throw corruptFile(path, 'a state file that begins with "FJSF"', JSON.stringify(bytes.toString('latin1', 0, 8)));
  }
  const version = bytes.readUInt32LE(4);
  if (version !== STATE_FILE_VERSION) {
    throw new CheckpointError(
      'CHECKPOINT_FORMAT_UNSUPPORTED',
      path,
      `state file ${path} has version ${version}; this release reads version ${STATE_FILE_VERSION}. Restore it with the release that wrote it, or a later one.`,
    );
  }
}

function checkCrc(path: string, bytes: Buffer, at: number, length: number): void {
  const expected = bytes.readUInt32LE(at + CRC_AT);
  const found = blockCrc(bytes, at, length);
  if (found !== expected) {
    throw corruptFile(path, `checksum ${hex(expected)} of the block at byte ${at}`, hex(found));
  }
}

function blockCrc(buffer: Buffer, start: number, length: number): number {
  const payload = start + BLOCK_HEADER_BYTES;
  return crc32(buffer.subarray(payload, payload + length), crc32(buffer.subarray(start, start + CRC_AT)));
}

const hex = (value: number) => value.toString(16).padStart(8, '0');
