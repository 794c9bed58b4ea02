/**
 * Writes a Java Object Serialization stream byte for byte as Java's ObjectOutputStream does: a class or a text that was
 * written before becomes a back reference, and what stands outside of objects goes into blocks of at most 1024 bytes.
 */
import { DataOutput } from './data-output.ts';
import { FIRST_HANDLE, type JavaClass, STREAM_HEADER, TAG } from './java-classes.ts';
import { modifiedUtf8Length } from './modified-utf8.ts';

const LARGEST_BLOCK = 1024;
const LARGEST_SHORT_BLOCK = 255;

/** One stream that is being written. */
export class JavaObjectOutput {
  /** For the primitive fields, which stand in the stream as they are. */
  readonly data = new DataOutput();
  /** Handles of classes and of the type names in their descriptions. */
  readonly #handles = new Map<JavaClass | string, number>();
  #nextHandle = FIRST_HANDLE;

  constructor() {
    this.data.int32(STREAM_HEADER);
  }

  /** Begins an object; its fields come next, in the order of the class. */
  object(javaClass: JavaClass, serialVersionUid = firstUid(javaClass)): void {
    this.data.byte(TAG.object);
    this.#descriptor(javaClass, serialVersionUid);
    this.#nextHandle += 1;
  }

  /** The end of what a class with SC_WRITE_METHOD wrote. */
  endOfObject(): void {
    this.data.byte(TAG.endBlockData);
  }

  /** A text of a field: Java writes equal texts twice unless they are one object, and these never are. */
  string(text: string): void {
    this.#nextHandle += 1;
    const length = modifiedUtf8Length(text);
    if (length <= 0xffff) {
      this.data.byte(TAG.string);
      this.data.uint16(length);
    } else {
      this.data.byte(TAG.longString);
      this.data.int64(BigInt(length));
    }
    this.data.utfBody(text, length);
  }

  byteArray(elements: Uint8Array, arrayClass: JavaClass): void {
    this.data.byte(TAG.array);
    this.#descriptor(arrayClass, firstUid(arrayClass));
    this.#nextHandle += 1;
    this.data.int32(elements.length);
    this.data.bytes(elements);
  }

  /** Bytes outside of any object. */
  blockData(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += LARGEST_BLOCK) {
      const block = bytes.subarray(from, from + LARGEST_BLOCK);
      if (block.length <= LARGEST_SHORT_BLOCK) {
        this.data.byte(TAG.blockData);
        this.data.byte(block.length);
      } else {
        this.data.byte(TAG.longBlockData);
        this.data.int32(block.length);
      }
      this.data.bytes(block);
    }
  }

  #descriptor(javaClass: JavaClass, serialVersionUid: bigint): void {
    if (this.#referTo(javaClass)) return;
    const { name, flags, fields } = javaClass;
    this.data.byte(TAG.classDescriptor);
    this.data.utf(name);
    this.data.int64(serialVersionUid);
    this.#remember(javaClass);
    this.data.byte(flags);
    this.data.uint16(fields.length);
    for (const field of fields) {
      this.data.byte(field.typeCode.charCodeAt(0));
      this.data.utf(field.name);
      if (field.type !== undefined) this.#typeName(field.type);
    }
    this.data.byte(TAG.endBlockData);
    this.data.byte(TAG.null);
  }

  #typeName(type: string): void {
    if (this.#referTo(type)) return;
    this.data.byte(TAG.string);
    this.data.utf(type);
    this.#remember(type);
  }

  #remember(written: JavaClass | string): void {
    this.#handles.set(written, this.#nextHandle);
    this.#nextHandle += 1;
  }

  /** Writes a back reference if this was written before. */
  #referTo(written: JavaClass | string): boolean {
    const handle = this.#handles.get(written);
    if (handle === undefined) return false;
    this.data.byte(TAG.reference);
    this.data.int32(handle);
    return true;
  }
}

function firstUid({ serialVersionUids: [uid = 0n] }: JavaClass): bigint {
  return uid;
}
