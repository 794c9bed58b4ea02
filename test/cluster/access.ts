import type { Certificate } from './certificates.ts';

/** How to reach a test cluster, and the secrets with which tests become whomever they need to be. Plain data. */
export interface ClusterAccess {
  /** `https://127.0.0.1:<port>` */
  readonly server: string;
  /** The certificate that the server's is signed by, PEM. */
  readonly ca: string;
  /** Bearer token of a user that may do everything. */
  readonly adminToken: string;
  /** File in which the server writes who did what, one JSON event per line. */
  readonly auditLog: string;
  /** Everything the cluster has written. */
  readonly folder: string;
  /** Signs certificates of users: common name = user, organisations = groups. */
  readonly authority: Certificate;
  /** With it a proxy may say who a caller is. */
  readonly frontProxy: Certificate;
  /** Signs service account tokens, PEM. */
  readonly serviceAccountKey: string;
}
