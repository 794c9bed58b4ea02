# One image for the operator and for the process of a job: `flinkjob operator`, `flinkjob run-job`.
#
#     docker build -t flinkjob:0.1.0 .
#
# Images to build from can be others: by digest, from a mirror, or one of your own that has a C++ runtime and certificates.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${NODE_IMAGE} AS node

FROM node AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Nothing that a package brings is run.
RUN npm ci --ignore-scripts
COPY LICENSE tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/image-files.ts /out

# No shell, no package manager: Node.js, the files of the command, nothing else.
FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="flinkjob" \
      org.opencontainers.image.description="Stateful, exactly-once stream jobs in TypeScript: operator and job runtime" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=build /out /opt/flinkjob
# Images of jobs put their modules here; `spec.typescript.module` is a path below it.
WORKDIR /job
USER 65532:65532
# REST API of a job, or health of the operator; metrics of the operator.
EXPOSE 8081 8080
# What is written to __proto__ goes nowhere; a promise that fails and that nobody looks at ends the process.
ENTRYPOINT ["/usr/local/bin/node", "--disable-proto=delete", "--unhandled-rejections=strict", "/opt/flinkjob/dist/main.js"]
CMD ["--help"]
