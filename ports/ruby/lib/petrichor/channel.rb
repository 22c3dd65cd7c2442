# frozen_string_literal: true

module Petrichor
  # An IO that is waited for until a moment and no longer. It takes all that can
  # read_nonblock and write_nonblock: sockets, pipes, StringIO, SSLSocket.
  class Channel
    CHUNK = 64 << 10

    def self.now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def initialize(input, output)
      @input = input
      @output = output
    end

    # Some bytes, or nil at the end of the stream.
    def read(deadline)
      loop do
        got = try { @input.read_nonblock(CHUNK, exception: false) }
        return got unless got.is_a?(Symbol)

        wait(@input, got, deadline, "no frame in time")
      end
    rescue EOFError
      nil
    end

    # Writes all of bytes.
    def write(bytes, deadline)
      until bytes.empty?
        got = try { @output.write_nonblock(bytes, exception: false) }
        got.is_a?(Symbol) ? wait(@output, got, deadline, "the peer does not read") : bytes = bytes.byteslice(got..)
      end
    end

    # Closes both, though the first may raise.
    def close
      try { @input.close }
    ensure
      try { @output.close } unless @output.equal?(@input)
    end

    private

    def wait(io, direction, deadline, why)
      left = deadline - Channel.now
      reads, writes = direction == :wait_readable ? [[io], nil] : [nil, [io]]
      ready = left.positive? && try { IO.select(reads, writes, nil, left) }
      raise Error.new(:timeout, nil, why) unless ready
    end

    # What goes wrong in an IO depends on what it is: Errno, IOError, errors of OpenSSL.
    def try
      yield
    rescue EOFError
      raise
    rescue StandardError => e
      raise Error.new(:stream, nil, "the stream has failed (#{e.class})")
    end
  end
end
