/** What tests need of a real Kubernetes API server. See README.md. */
export type { ClusterAccess } from './access.ts';
export { type Certificate, certificateAuthority, issueCertificate } from './certificates.ts';
export { type RunningCluster, startCluster } from './start.ts';
export { type AuditEvent, clusterForTests, TestCluster } from './test-cluster.ts';
