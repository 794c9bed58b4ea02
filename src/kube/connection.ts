/** How a cluster is reached and as whom. Where the answer comes from: a kubeconfig file, or the files in a pod. */

/** What is needed to speak with the server now; certificates and keys as PEM. */
export interface Credentials {
  /** Headers that say who calls. */
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name to expect in the server's certificate, where it is not that of the address. */
  readonly servername?: string;
  /** False only where a kubeconfig says `insecure-skip-tls-verify`. */
  readonly verifiesServer: boolean;
}

/** One cluster, as one user. */
export interface ClusterConnection {
  /** For messages: `kubeconfig /home/a/.kube/config, context dev`. */
  readonly origin: string;
  /** Base address, without a slash at its end. */
  readonly server: string;
  /** The namespace to use where none is named. */
  readonly namespace: string;
  /**
   * Credentials as they are now. They are asked for at least once a minute, since tokens, certificates and authorities are
   * replaced while a process runs; `fresh` says that the server refused the last ones.
   */
  credentials(fresh: boolean): Promise<Credentials>;
}
