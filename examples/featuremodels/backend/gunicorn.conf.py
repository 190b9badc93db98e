"""Read by gunicorn from its working directory; the command line wins."""

# Imported once, shared by the workers: a quicker start, and half the memory.
preload_app = True
# The heartbeat file must not wait for a disk, and the root file system may be read-only.
worker_tmp_dir = "/dev/shm"
# Longer than the proxy keeps idle connections (Traefik: 90 s). If this side closed first, a request
# on its way would be lost.
keepalive = 95
# The proxy stands on a private network of the server, its address is not known here.
forwarded_allow_ips = "127.0.0.1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
# Nobody administers this process from inside its container.
control_socket_disable = True
