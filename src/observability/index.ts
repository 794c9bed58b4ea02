/** What a process tells of itself: log lines, metrics. Implements the ports of lib; nothing here decides anything. */
export { type JsonLoggerOptions, jsonLogger, type LogLevel } from './logger.ts';
export { type ProcessFacts, processMetrics } from './process-metrics.ts';
export { type MetricsPage, PrometheusMetrics } from './prometheus.ts';
