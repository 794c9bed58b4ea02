/**
 * X.509 certificates for servers and users of the tests: a certificate authority, and what it signs. Elliptic keys, written
 * as DER by hand, since Node.js reads certificates and makes none.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its private key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Whom a certificate is for. */
export interface CertificateFacts {
  /** Kubernetes takes it for the user's name. */
  readonly commonName: string;
  /** Kubernetes takes them for the user's groups. */
  readonly organizations?: readonly string[];
  /** Names and addresses of a server. */
  readonly hosts?: readonly string[];
  /** @default an hour ago */
  readonly notBefore?: Date;
  /** @default in ten days */
  readonly notAfter?: Date;
}

const HOUR_MS = 3_600_000;

/** A new certificate authority. */
export function certificateAuthority(commonName: string): Certificate {
  const keys = keyPair();
  const subject = { commonName };
  const extensions = [
    extension('2.5.29.19', true, sequence(boolean(true))),
    extension('2.5.29.15', true, bitString(Buffer.from([0b0000_0110]), 1)),
    extension('2.5.29.14', false, element(0x04, keyIdentifier(keys.publicKey))),
    extension('2.5.29.35', false, sequence(element(0x80, keyIdentifier(keys.publicKey)))),
  ];
  return issued(
    { facts: subject, issuer: subject, publicKey: keys.publicKey, signer: keys.privateKey, extensions },
    keys,
  );
}

/** A certificate for a server or a user, signed by the authority. */
export function issueCertificate(authority: Certificate, facts: CertificateFacts): Certificate {
  const keys = keyPair();
  const usages = sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'));
  const extensions = [
    extension('2.5.29.15', true, bitString(Buffer.from([0b1000_0000]), 7)),
    extension('2.5.29.37', false, usages),
    extension('2.5.29.35', false, sequence(element(0x80, keyIdentifier(createPublicKey(authority.cert))))),
    ...(facts.hosts === undefined
      ? []
      : [extension('2.5.29.17', false, sequence(...facts.hosts.map(alternativeName)))]),
  ];
  const issuer = { commonName: commonNameOf(authority) };
  const signer = createPrivateKey(authority.key);
  return issued({ facts, issuer, publicKey: keys.publicKey, signer, extensions }, keys);
}

/** A new key pair, PEM; elliptic, as service account tokens are signed with. */
export function signingKeyPair(): { readonly publicKey: string; readonly privateKey: string } {
  const { publicKey, privateKey } = keyPair();
  return { publicKey: pem(publicKey, 'spki'), privateKey: pem(privateKey, 'pkcs8') };
}

interface Contents {
  readonly facts: CertificateFacts;
  readonly issuer: CertificateFacts;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

const ECDSA_WITH_SHA256 = () => sequence(oid('1.2.840.10045.4.3.2'));

function issued(
  { facts, issuer, publicKey, signer, extensions }: Contents,
  keys: { privateKey: KeyObject },
): Certificate {
  const notBefore = facts.notBefore ?? new Date(Date.now() - HOUR_MS);
  const notAfter = facts.notAfter ?? new Date(Date.now() + 240 * HOUR_MS);
  const content = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    // A serial number is positive: its first bit is clear.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ECDSA_WITH_SHA256(),
    name(issuer),
    sequence(time(notBefore), time(notAfter)),
    name(facts),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', content, signer);
  const der = sequence(content, ECDSA_WITH_SHA256(), bitString(signature, 0));
  const lines = der.toString('base64').replaceAll(/.{1,64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
    key: pem(keys.privateKey, 'pkcs8'),
  };
}

function keyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function pem(key: KeyObject, type: 'spki' | 'pkcs8'): string {
  return key.export({ type, format: 'pem' } as never).toString();
}

function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}

function commonNameOf(authority: Certificate): string {
  return new X509Certificate(authority.cert).subject.replace(/^CN=/, '');
}

// --- DER ------------------------------------------------------------------------------------------------------------

function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}

const sequence = (...contents: readonly Uint8Array[]) => element(0x30, ...contents);
const integer = (bytes: Buffer) => element(0x02, bytes);
const boolean = (value: boolean) => element(0x01, Buffer.from([value ? 0xff : 0]));
const bitString = (bytes: Uint8Array, unusedBits: number) => element(0x03, Buffer.from([unusedBits]), bytes);
const utf8 = (text: string) => element(0x0c, Buffer.from(text));

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(0x06, Buffer.from(bytes));
}

/** UTCTime, which reaches to 2049. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return element(0x17, Buffer.from(digits.slice(2)));
}

function name({ commonName, organizations = [] }: CertificateFacts): Buffer {
  const part = (type: string, value: string) => element(0x31, sequence(oid(type), utf8(value)));
  return sequence(...organizations.map((value) => part('2.5.4.10', value)), part('2.5.4.3', commonName));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), element(0x04, value));
}

function alternativeName(host: string): Buffer {
  if (isIP(host) === 4) return element(0x87, Buffer.from(host.split('.').map(Number)));
  return element(0x82, Buffer.from(host));
}
