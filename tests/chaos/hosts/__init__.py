"""Several machines: worker hosts with addresses of their own around one PostgreSQL, one Valkey and one mail server.

``python -m tests.chaos.hosts`` plays it in namespaces of the kernel: each host has its own network, processes, name and
boot id, and its own data folder with its own journals. The whole run is one process namespace with one network: when
its first process ends, however it does, the kernel ends all others and takes down every namespace, bridge and cable.

``lan`` has the cables, ``machine`` a host as it is seen from outside, ``inside`` what runs in it, ``planning`` the
readers, ``play`` the run. Readers, mail server and oracle are those of ``tests.chaos``.
"""
