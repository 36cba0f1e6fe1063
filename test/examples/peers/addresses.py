"""Prints each address packed."""
import socket, sys

for address in sys.argv[1:]:
    print(socket.inet_pton(socket.AF_INET6 if ':' in address else socket.AF_INET, address).hex())
