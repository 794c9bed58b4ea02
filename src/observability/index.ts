/** What a process tells of itself: log lines. Implements the ports of lib; nothing here decides anything. */
export { type JsonLoggerOptions, jsonLogger, type LogLevel } from './logger.ts';
