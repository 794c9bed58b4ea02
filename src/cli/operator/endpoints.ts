/**
 * Where others ask an operator: kubelets on one port, Prometheus on another, so that a NetworkPolicy can let each of them in by
 * itself.
 */
import { type Health, type Page, ProbeServer, type ProbeServerOptions } from '../../controller/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { OperatorPortError } from './errors.ts';

/** Where to listen. */
export interface Place {
  readonly host: string | undefined;
  readonly port: number;
}

export interface EndpointsOptions {
  readonly health: Place;
  readonly metrics: Place;
  readonly metricsPage: () => Promise<Page>;
  /** Told where they listen. */
  readonly listening: (ports: { readonly healthPort: number; readonly metricsPort: number }) => void;
}

/** Both servers, as one. */
export class Endpoints {
  private readonly options: EndpointsOptions;
  private readonly probes: ProbeServer;
  private readonly metrics: ProbeServer;

  constructor(options: EndpointsOptions) {
    this.options = options;
    this.probes = new ProbeServer(serverOptions(options.health));
    this.metrics = new ProbeServer({ ...serverOptions(options.metrics), pages: { '/metrics': options.metricsPage } });
  }

  /** Resolves when both listen. Throws OperatorPortError. */
  async start(health: Health): Promise<void> {
    await begin('health', this.options.health, this.probes, health);
    await begin('metrics', this.options.metrics, this.metrics, health);
    this.options.listening({ healthPort: this.probes.port, metricsPort: this.metrics.port });
  }

  async stop(): Promise<void> {
    await Promise.all([this.probes.stop(), this.metrics.stop()]);
  }
}

function serverOptions({ host, port }: Place): ProbeServerOptions {
  return { port, ...(host !== undefined && { host }) };
}

async function begin(group: string, { host = '', port }: Place, server: ProbeServer, health: Health): Promise<void> {
  try {
    await server.start(health);
  } catch (cause) {
    throw new OperatorPortError(`${group}.port ${host}:${port} cannot be listened on`, messageOf(cause), { cause });
  }
}
