# FrozenTL with LAMMPS and MPICH in one image (docs/cluster.md). tests/install/dockerfile.py does what it says without a container engine.
FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential cmake ninja-build pkg-config python3-venv \
      libzip-dev libjansson-dev libmd-dev libyaml-dev libopenblas-dev zlib1g-dev libcurl4-openssl-dev
RUN python3 -m venv /opt/build
COPY . /source
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv libzip5 libjansson4 libmd0 libyaml-0-2 libopenblas0-pthread \
      zlib1g libgomp1 libcurl4t64 ca-certificates \
      && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
RUN python3 -m venv /opt/frozentl \
      && /opt/frozentl/bin/pip install --no-cache-dir "$(ls /wheels/frozentl-*.whl)[ase,lammps]" && rm -rf /wheels
ENV PATH=/opt/frozentl/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /work
CMD ["frozentl", "--help"]
