/**
 * The field names that the records of a stream have in common. A shape is an ordered list of names; writer and reader
 * number the shapes in the order in which they first occur, and after that a record names its shape by number:
 *
 *     writer  {a: 1, b: 2}  -> define "a, b" (number 0), 1, 2
 *             {a: 3, b: 4}  -> shape 0, 3, 4
 *
 * Numbers count within a session: the life of a stream between two threads, or one value where values must be readable
 * alone. Both sides must agree which. Shapes above a limit are written in full each time, so that neither side grows
 * without bound on records whose names are data.
 */
import { IOException } from '../../lib/java-errors.ts';
import { DataInput } from './data-input.ts';
import { DataOutput } from './data-output.ts';

/** How many shapes a session numbers. */
export const MAX_SHAPES = 1024;
/** How many names a numbered shape has at most. */
export const MAX_SHAPE_FIELDS = 256;
const MAX_NODES = 32_768;

/** A list of names as the writer knows it. */
export interface WrittenShape {
  readonly names: readonly string[];
  /** The names as bytes. */
  readonly definition: Uint8Array;
  /** The session in which `number` holds. */
  session: number;
  number: number;
}

/** A list of names as the reader knows it. */
export interface ReadShape {
  readonly names: readonly string[];
  readonly withoutPrototype: boolean;
  /** Has a name that an assignment would not make a field of. */
  readonly hasProto: boolean;
}

/** A step in the tree of names: one node per list of names that any record began with. */
interface Node {
  readonly name: string;
  readonly parent: Node | undefined;
  readonly depth: number;
  shape: WrittenShape | undefined;
  /** The step taken last, which is nearly always the next one too. */
  lastName: string;
  lastNode: Node | undefined;
  others: Map<string, Node> | undefined;
}

/** The writer's side: finds the shape of a record and numbers it. */
export class ShapeWriter {
  #withPrototype = newNode('', undefined, 0);
  #withoutPrototype = newNode('', undefined, 0);
  #nodes = 0;
  #session = 0;
  #numbered: WrittenShape[] = [];

  /** Forgets all numbers. Starts a value that stands alone. */
  startSession(): void {
    this.#session++;
    this.#numbered.length = 0;
    if (this.#nodes >= MAX_NODES) this.#forgetNames();
  }

  /** How many shapes are numbered; `forgetAfter` takes back the later ones. */
  get count(): number {
    return this.#numbered.length;
  }

  /** Takes back the shapes numbered since `count` was read: the record that brought them was not written after all. */
  forgetAfter(count: number): void {
    for (const shape of this.#numbered.splice(count)) shape.session = -1;
  }

  /** The shape of a record, or undefined where it has to be written in full. */
  shapeOf(record: object, withoutPrototype: boolean): WrittenShape | undefined {
    let node: Node | undefined = withoutPrototype ? this.#withoutPrototype : this.#withPrototype;
    for (const name in record) {
      node = node.lastName === name && node.lastNode !== undefined ? node.lastNode : this.#step(node, name);
      if (node === undefined) return undefined;
    }
    return node.shape ?? this.#newShape(node, withoutPrototype);
  }

  isNumbered(shape: WrittenShape): boolean {
    return shape.session === this.#session;
  }

  /** Gives the shape its number; false when there are enough of them. */
  assignNumber(shape: WrittenShape): boolean {
    if (this.#numbered.length >= MAX_SHAPES) return false;
    shape.session = this.#session;
    shape.number = this.#numbered.length;
    this.#numbered.push(shape);
    return true;
  }

  #step(node: Node, name: string): Node | undefined {
    let next = node.others?.get(name);
    if (next === undefined) {
      if (this.#nodes >= MAX_NODES || node.depth >= MAX_SHAPE_FIELDS) return undefined;
      this.#nodes++;
      next = newNode(name, node, node.depth + 1);
      node.others ??= new Map();
      node.others.set(name, next);
    }
    node.lastName = name;
    node.lastNode = next;
    return next;
  }

  #newShape(node: Node, withoutPrototype: boolean): WrittenShape {
    const names: string[] = [];
    for (let at: Node | undefined = node; at?.parent !== undefined; at = at.parent) names.push(at.name);
    names.reverse();
    node.shape = { names, definition: encodeNames(names, withoutPrototype), session: -1, number: -1 };
    return node.shape;
  }

  #forgetNames(): void {
    this.#withPrototype = newNode('', undefined, 0);
    this.#withoutPrototype = newNode('', undefined, 0);
    this.#nodes = 0;
  }
}

/** The reader's side: takes definitions in order and answers numbers. */
export class ShapeReader {
  readonly #numbered: ReadShape[] = [];
  /** Definitions met before, found by their length and last byte: values that stand alone repeat them all the time. */
  readonly #known = new Map<number, { bytes: Uint8Array; shape: ReadShape }>();

  /** Forgets all numbers. Starts a value that stands alone. */
  startSession(): void {
    this.#numbered.length = 0;
  }

  /** Reads a definition and numbers it. @throws IOException for more shapes than a writer makes */
  define(input: DataInput): ReadShape {
    if (this.#numbered.length >= MAX_SHAPES) {
      throw new IOException(`more than ${MAX_SHAPES} record shapes: the data is damaged`);
    }
    const shape = this.#decode(input.readBytes());
    this.#numbered.push(shape);
    return shape;
  }

  /** The shape of a number. @throws IOException when it was not defined */
  get(number: number): ReadShape {
    const shape = this.#numbered[number];
    if (shape === undefined) throw new IOException(`record shape ${number} was not defined: the data is damaged`);
    return shape;
  }

  #decode(bytes: Uint8Array): ReadShape {
    const place = bytes.length * 256 + (bytes[bytes.length - 1] ?? 0);
    const known = this.#known.get(place);
    if (known !== undefined && sameBytes(known.bytes, bytes)) return known.shape;
    const shape = decodeNames(new DataInput(bytes));
    if (known !== undefined || this.#known.size < MAX_SHAPES) {
      this.#known.set(place, { bytes: new Uint8Array(bytes), shape });
    }
    return shape;
  }
}

function newNode(name: string, parent: Node | undefined, depth: number): Node {
  return { name, parent, depth, shape: undefined, lastName: '', lastNode: undefined, others: undefined };
}

function encodeNames(names: readonly string[], withoutPrototype: boolean): Uint8Array {
  const out = new DataOutput(256);
  out.writeByte(withoutPrototype ? 1 : 0);
  for (const name of names) out.writeString(name);
  return out.toBytes();
}

function decodeNames(input: DataInput): ReadShape {
  const flags = input.readByte();
  if (flags > 1) throw new IOException(`a record shape begins with ${flags}: the data is damaged`);
  const names: string[] = [];
  while (input.remaining > 0) names.push(input.readString());
  if (names.length > MAX_SHAPE_FIELDS)
    throw new IOException(`a record shape of ${names.length} names: the data is damaged`);
  if (new Set(names).size !== names.length)
    throw new IOException('a record shape names a field twice: the data is damaged');
  return { names, withoutPrototype: flags === 1, hasProto: names.includes('__proto__') };
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}
