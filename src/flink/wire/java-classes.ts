/**
 * The Java classes that occur in Flink's HA data, field by field, as Java Object Serialization describes them. This list
 * is all that can be read: a stream that names another class is corrupt, and nothing is ever looked up by a name in it.
 */

/** A field as its class descriptor lists it; `type` is absent for primitives. */
export interface JavaField {
  readonly typeCode: 'J' | 'L' | 'Z' | '[';
  readonly name: string;
  readonly type?: string;
}

/** A serializable class without a serializable super class. */
export interface JavaClass {
  readonly name: string;
  /** More than one where Flink changed it. */
  readonly serialVersionUids: readonly bigint[];
  /** SC_SERIALIZABLE, with SC_WRITE_METHOD where the class writes something of its own after its fields. */
  readonly flags: 2 | 3;
  /** Primitives first, then by name: Java's own order. */
  readonly fields: readonly JavaField[];
}

/** `serialVersionUID` of the class with the delete marker, as decimal text: of Flink 1.15 to 1.18, and of 1.19 and later. */
export const MARKER_UIDS = ['-6953210432246692993', '1994325530560040316'] as const;
/** One of the two. The lines cannot read each other's values. */
export type MarkerUid = (typeof MARKER_UIDS)[number];

export const STATE_HANDLE_WITH_DELETE_MARKER: JavaClass = {
  name: 'org.apache.flink.kubernetes.highavailability.KubernetesStateHandleStore$StateHandleWithDeleteMarker',
  serialVersionUids: MARKER_UIDS.map(BigInt),
  flags: 2,
  fields: [
    { typeCode: 'Z', name: 'markedForDeletion' },
    { typeCode: 'L', name: 'inner', type: 'Lorg/apache/flink/runtime/state/RetrievableStateHandle;' },
  ],
};

export const RETRIEVABLE_STREAM_STATE_HANDLE: JavaClass = {
  name: 'org.apache.flink.runtime.state.RetrievableStreamStateHandle',
  serialVersionUids: [314567453677355n],
  flags: 2,
  fields: [
    { typeCode: 'L', name: 'wrappedStreamStateHandle', type: 'Lorg/apache/flink/runtime/state/StreamStateHandle;' },
  ],
};

export const FILE_STATE_HANDLE: JavaClass = {
  name: 'org.apache.flink.runtime.state.filesystem.FileStateHandle',
  serialVersionUids: [350284443258002355n],
  flags: 2,
  fields: [
    { typeCode: 'J', name: 'stateSize' },
    { typeCode: 'L', name: 'filePath', type: 'Lorg/apache/flink/core/fs/Path;' },
  ],
};

export const BYTE_STREAM_STATE_HANDLE: JavaClass = {
  name: 'org.apache.flink.runtime.state.memory.ByteStreamStateHandle',
  serialVersionUids: [-5280226231202517594n],
  flags: 2,
  fields: [
    { typeCode: '[', name: 'data', type: '[B' },
    { typeCode: 'L', name: 'handleName', type: 'Ljava/lang/String;' },
  ],
};

export const FLINK_PATH: JavaClass = {
  name: 'org.apache.flink.core.fs.Path',
  serialVersionUids: [1n],
  flags: 2,
  fields: [{ typeCode: 'L', name: 'uri', type: 'Ljava/net/URI;' }],
};

export const JAVA_URI: JavaClass = {
  name: 'java.net.URI',
  serialVersionUids: [-6052424284110960213n],
  flags: 3,
  fields: [{ typeCode: 'L', name: 'string', type: 'Ljava/lang/String;' }],
};

export const BYTE_ARRAY: JavaClass = {
  name: '[B',
  serialVersionUids: [-5984413125824719648n],
  flags: 2,
  fields: [],
};

export const JAVA_UUID: JavaClass = {
  name: 'java.util.UUID',
  serialVersionUids: [-4856846361193249489n],
  flags: 2,
  fields: [
    { typeCode: 'J', name: 'leastSigBits' },
    { typeCode: 'J', name: 'mostSigBits' },
  ],
};

/** Bytes that begin the parts of a stream. */
export const TAG = {
  null: 0x70,
  reference: 0x71,
  classDescriptor: 0x72,
  object: 0x73,
  string: 0x74,
  array: 0x75,
  blockData: 0x77,
  endBlockData: 0x78,
  longBlockData: 0x7a,
  longString: 0x7c,
} as const;

/** The first four bytes: magic and version 5. */
export const STREAM_HEADER = 0xaced0005 | 0;
/** The first handle that a back reference can name. */
export const FIRST_HANDLE = 0x7e0000;
