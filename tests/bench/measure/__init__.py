"""What the benchmarks share: namespaces and processes, tunnels in a row, loads, rounds, tables. Standard library only."""
