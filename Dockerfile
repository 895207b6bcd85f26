# Debian, not Alpine: the transport's native binaries need glibc.
FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
ENV NODE_ENV=production \
    SLUICE_DATA_DIR=/var/lib/sluice \
    SLUICE_HOST=0.0.0.0 \
    SLUICE_LOG_FORMAT=json
WORKDIR /opt/sluice
COPY --from=build /build/package.json /build/LICENSE /build/NOTICE ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/engine/cli/sluice.js ./engine/cli/sluice.js
RUN groupadd --system --gid 7400 sluice \
    && useradd --system --uid 7400 --gid sluice --no-create-home --shell /usr/sbin/nologin sluice \
    && install -d -o sluice -g sluice -m 0700 /var/lib/sluice \
    && ln -s /opt/sluice/engine/cli/sluice.js /usr/local/bin/sluice
USER sluice
VOLUME /var/lib/sluice
EXPOSE 7400
STOPSIGNAL SIGTERM
# Without TLS; with it, give a check of your own that trusts the certificate.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SLUICE_PORT ?? 7400}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=64", "/opt/sluice/engine/cli/sluice.js"]
CMD ["serve"]
