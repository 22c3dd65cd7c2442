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
    # In seconds: for the first frame, from connecting; for each other frame, from its
    # first byte; for silence between frames; for writing a frame.
    Timeouts = Struct.new(:handshake, :frame, :idle, :write, keyword_init: true)
    TIMEOUTS = { handshake: 5, frame: 30, idle: 120, write: 10 }.freeze
    CONNECT = 20 # seconds, for a connection and the answer to our first frame

    # The first frame that the peer has sent: who it is, or its answer.
    attr_reader :first

    class << self
      # Connects to a peer and sends the first frame. Whether the answer lets us in,
      # allowed? says: being denied is no error.
      def connect(host, port, header = {}, body = nil, **options)
        socket = Socket.tcp(host, port, connect_timeout: CONNECT)
        socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, true)
        greet(socket, header, body, **options)
      rescue SystemCallError, SocketError => e
        raise Error.new(:stream, nil, "no connection (#{e.class})")
      end

      # Connect, on an IO that is connected. It is closed when this fails.
      def greet(io, header = {}, body = nil, **options)
        connection = new(io, **options)
        connection.greet(header, body)
        connection
      rescue Error
        io.close
        raise
      end

      # Reads the first frame of a peer that has connected, 16 KiB at most, and
      # nothing behind it. Answer with allow or deny.
      def accept(io, **options)
        connection = new(io, **options)
        connection.meet
        connection
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

    # See Connection.greet.
    def greet(header, body)
      send(header, body)
      @first = receive(within: CONNECT) || raise(gone)
    end

    # See Connection.accept.
    def meet
      @waiting = true
      @reader.rules = @rules.with(frame: FIRST_FRAME)
      @first = receive(within: @timeouts.handshake) || raise(gone)
    end

    def allowed?
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
      raise Error.new(:value, nil, "a header is a Hash, not #{header.class}") unless header.is_a?(Hash)

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
