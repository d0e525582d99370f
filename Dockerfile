# Two stages: Go builds one static program, a base without a shell runs it. Bases are pinned by version tag.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${VERSION}" -o /out/keyholder ./cmd/keyholder

# The base brings the CA certificates for Slack and integrator.io. Time zones are inside the program (time/tzdata).
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/keyholder /usr/local/bin/keyholder
# As a number, so that an orchestrator can see that it is not root. It is the base's user nonroot.
USER 65532:65532
# /healthz, /readyz and /metrics. They are reached from outside the container only with  listen: 0.0.0.0:9090
# in keyholder.yaml; the default listens inside the container alone. Nothing on this port needs a password: do not publish it further.
EXPOSE 9090
# No HEALTHCHECK: it would need a shell or curl inside, and there is neither. Let the orchestrator ask /healthz and /readyz.
ENTRYPOINT ["/usr/local/bin/keyholder"]
CMD ["run", "--config", "/etc/keyholder/keyholder.yaml"]
