"""The parts of `bench.receiver_intake`: alerts, senders, servers, and one module for each thing measured."""
