# An image that runs Loopwright as an ordinary user. `make image` fills build/wheelhouse and builds it, without a network.
#
#   docker run --rm --security-opt seccomp=unconfined --security-opt systempaths=unconfined \
#       --volume "$PWD:/project" loopwright:latest run task.yaml
#
# The two options let the workload's sandboxes have namespaces of their own inside the container; a sandbox sets its own
# seccomp filter. BASE_IMAGE is any image with Python 3.11 or newer, glibc and libgomp1; `make base-image` makes the
# default one.
ARG BASE_IMAGE=loopwright/python:latest

FROM ${BASE_IMAGE} AS build
COPY build/wheelhouse /wheelhouse
# Debian's python3 has neither pip nor ensurepip, so pip runs out of its own wheel.
RUN python3 -m venv --without-pip /opt/loopwright \
    && PYTHONPATH=$(echo /wheelhouse/pip-*.whl) /opt/loopwright/bin/python3 -m pip install --quiet --no-cache-dir \
        --no-index --find-links /wheelhouse 'loopwright[local]'

FROM ${BASE_IMAGE}
COPY --from=build /opt/loopwright /opt/loopwright
ENV PATH=/opt/loopwright/bin:$PATH HOME=/home/loopwright PYTHONUNBUFFERED=1
RUN install --directory --owner 1000 --group 1000 /home/loopwright /project \
    && { getent passwd 1000 >/dev/null || useradd --uid 1000 --home-dir /home/loopwright loopwright; }
USER 1000:1000
WORKDIR /project
ENTRYPOINT ["loopwright"]
CMD ["--help"]
