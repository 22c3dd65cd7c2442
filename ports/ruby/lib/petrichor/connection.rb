# frozen_string_literal: true

require "socket"

module Petrichor
  # Frames over an IO, or over one for each direction. It begins with a frame
  # each way:
  #
  #   peer that connects                       peer that accepts
  #   Connection.connect  -- who I am ------>  Connection.accept
  #                       <- allowed: true --  allow, or deny
  #   send                -- HEADER, BODY -->  recv
  #   recv                <- HEADER, BODY ---  send
  #
  # Threads may send while one receives: frames do not mix. After an error of
  # the stream a Connection is good for close only.
  class Connection
    # In seconds: for connecting, and again for the answer to our first frame; for the
    # first frame of a peer, from accept; for each other frame, from its first byte; for
    # silence between frames; for writing a frame.
    Timeouts = Struct.new(:connect, :handshake, :frame, :idle, :write, keyword_init: true)
    TIMEOUTS = { connect: 20, handshake: 5, frame: 30, idle: 120, write: 10 }.freeze

    # The first frame that the peer has sent: who it is, or its answer.
    attr_reader :first

    class << self
      # Connects to a peer and sends the first frame. Whether the answer lets us in,
      # allowed? says: being denied is no error.
      def connect(host, port, header = {}, body = nil, timeouts: {}, **options)
        within = Timeouts.new(**TIMEOUTS, **timeouts).connect
        greet(dial(host, port, within), header, body, timeouts: timeouts, **options)
      end

      # Connect, on an IO that is connected. It and output are closed when this fails,
      # whatever is raised.
      def greet(io, header = {}, body = nil, output: io, **options)
        connection = new(io, output: output, **options)
        connection.greet(header, body)
        connection
      ensure
        give_up(Channel.new(io, output)) unless connection&.first
      end

      # Reads the first frame of a peer that has connected, 16 KiB at most. What is
      # behind it is not parsed, but up to 64 KiB of it may have been read, and are kept
      # for recv. Answer with allow or deny. When this fails io stays open: closing it
      # is up to who has accepted it.
      def accept(io, **options)
        connection = new(io, **options)
        connection.meet
        connection
      end

      private

      # An ArgumentError is what a name or a port with a NUL in it gives.
      def dial(host, port, within)
        socket = Socket.tcp(host, port, connect_timeout: within)
        socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, true)
        socket
      rescue SystemCallError, SocketError, IOError, ArgumentError => e
        socket&.close
        raise Error.new(:stream, nil, "no connection (#{e.class})")
      end

      # Closes what has failed already: that closing fails too is no news.
      def give_up(channel)
        channel.close
      rescue StandardError
        nil
      end
    end

    # Without first frames. output is where to write, if not to io.
    def initialize(io, output: io, timeouts: {}, **rules)
      @channel = Channel.new(io, output)
      @timeouts = Timeouts.new(**TIMEOUTS, **timeouts)
      @rules = STREAM.with(**rules)
      @lenient = @rules.to_h.slice(:text, :nonfinite, :depth)
      @reader = Reader.new(**@rules.to_h)
      @sending = Mutex.new
    end

    # See Connection.greet. Here nothing is closed.
    def greet(header, body)
      send(header, body)
      @first = receive(within: @timeouts.connect) || raise(gone)
    end

    # See Connection.accept.
    def meet
      @waiting = true
      @reader.rules = @rules.with(frame: [@rules.frame, FIRST_FRAME].min)
      @first = receive(within: @timeouts.handshake) || raise(gone)
    end

    # Whether the first frame of the peer lets us in.
    def allowed?
      raise Error.new(:value, nil, "no first frame has come") unless @first

      @first.allowed?
    end

    # Answers the first frame of the peer; from then on recv may be used.
    def allow(header = {}, body = nil)
      answer(true, header, body)
      @reader.rules = @rules
      @waiting = false
    end

    # Answers the first frame of the peer. Then close.
    def deny(header = {}, body = nil)
      answer(false, header, body)
    end

    # The next frame, or nil where the stream has ended.
    def recv
      raise Error.new(:value, nil, "recv from a peer that has not been allowed") if @waiting

      receive
    end

    # Sends one frame.
    def send(header, body = nil)
      bytes = Frame.new(header, body).dump(**@lenient)
      @sending.synchronize { write(bytes) }
      self
    end

    # Sends one frame, and receives the next.
    def request(header, body = nil)
      send(header, body)
      recv || raise(gone)
    end

    # Gives each frame that comes, until the stream ends.
    def each
      return enum_for unless block_given?

      while (frame = recv)
        yield frame
      end
    end

    def close
      @channel.close
    end

    private

    # Bytes that trickle in do not move the deadline of the frame they belong to.
    def receive(within: nil)
      deadline = now + (within || (@reader.buffered.positive? ? @timeouts.frame : @timeouts.idle))
      until (frame = @reader.next)
        silent = @reader.buffered.zero?
        bytes = @channel.read(deadline) or return ended
        @reader.feed(bytes)
        deadline = now + @timeouts.frame if silent && !within
      end
      frame
    end

    def ended
      return if @reader.buffered.zero?

      raise Error.new(:short, @reader.offset + @reader.buffered, "the stream ended inside a frame")
    end

    def write(bytes)
      raise Error.new(:stream, nil, "an earlier frame was not sent whole") if @broken

      @broken = true
      @channel.write(bytes, now + @timeouts.write)
      @broken = false
    end

    def answer(allowed, header, body)
      raise Error.new(:value, nil, "a header is a Hash, not #{Petrichor.class_of(header)}") unless Hash === header

      send(header.reject { |key, _| key.to_s == "allowed" }.merge("allowed" => allowed), body)
    end

    def now
      Channel.now
    end

    def gone
      Error.new(:short, @reader.offset, "the peer has left without an answer")
    end
  end
end
