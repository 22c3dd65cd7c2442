# frozen_string_literal: true

require_relative "helper"
require "socket"
require "stringio"

class ConnectionTest < Minitest::Test
  Connection = Petrichor::Connection

  def setup
    @here, @there = UNIXSocket.pair
  end

  def teardown
    @here.close
    @there.close
  end

  def assert_layer(layer, &block)
    assert_equal layer, assert_raises(Petrichor::Error, &block).layer
  end

  # A peer at the other end, in a thread; an error of it is one of the test.
  def peer
    Thread.new { yield Connection.accept(@there) }.tap { |thread| thread.report_on_exception = false }
  end

  def test_allowed
    serving = peer do |connection|
      connection.allow({ allowed: false, "zone" => 1 }, connection.first.body)
      connection.each { |frame| connection.send(frame.header, frame.body) }
    end
    connection = Connection.greet(@here, { user: "zed" }, "hi")
    assert connection.allowed?
    assert_equal Petrichor::Frame.new({ "zone" => 1, "allowed" => true }, "hi"), connection.first
    every = (0..255).map(&:chr).join.b
    [nil, "", every, every * 4096, [1, { "a" => 2.5 }]].each do |body|
      assert_equal Petrichor::Frame.new({ "id" => 7 }, body), connection.request({ id: 7 }, body)
    end
    @here.close_write
    serving.join
    @there.close
    assert_nil connection.recv
  end

  def test_denied
    serving = peer { |connection| connection.deny({ "why" => "no" }) && @there.close }
    connection = Connection.greet(@here)
    refute connection.allowed?
    assert_equal "no", connection.first["why"]
    serving.join
    assert_nil connection.recv
    assert_layer(:stream) { connection.request({}) }
  end

  def test_nothing_is_received_before_allow
    @here.write("0:}0:~0:}0:~")
    connection = Connection.accept(@there)
    assert_layer(:value) { connection.recv }
    connection.allow
    assert_equal Petrichor::Frame.new({}, nil), connection.recv
  end

  # A stranger gets no more than 16 KiB, and less where less is asked for.
  def test_the_limit_of_the_first_frame
    { { frame: 100 } => 100, { frame: 1 << 20 } => 16 << 10, {} => 16 << 10 }.each do |rules, most|
      whole = most - 3 # what is left of it behind a header 0:}
      accepted = Connection.accept(StringIO.new("0:}#{whole}:#{"x" * whole},"), **rules)
      assert_equal whole, accepted.first.body.size
      assert_layer(:limit) { Connection.accept(StringIO.new("0:}#{whole + 1}:#{"x" * (whole + 1)},"), **rules) }
    end
  end

  def test_accept_leaves_open_what_it_refuses
    @here.write("9999999999")
    assert_layer(:syntax) { Connection.accept(@there) }
    refute_predicate @there, :closed?
  end

  def test_allowed_before_a_first_frame
    assert_layer(:value) { Connection.new(@here).allowed? }
  end

  # Bytes that trickle in do not move a deadline: each of these peers would go on for ever.
  def test_slow_peers
    { "" => { handshake: 0.05 }, "0:}9" => { handshake: 0.05 } }.each do |begins, timeouts|
      @here.write(begins)
      assert_layer(:timeout) { Connection.accept(@there, timeouts: timeouts) }
      @there.read_nonblock(100, exception: false)
    end
    connection = Connection.new(@there, timeouts: { idle: 0.05, frame: 0.1 })
    assert_layer(:timeout) { connection.recv }
    dripping = Thread.new { loop { @here.write("1") && sleep(0.02) } }
    @here.write("0:}9999:")
    assert_layer(:timeout) { connection.recv }
    dripping.kill.join
  end

  def test_a_peer_that_does_not_read
    connection = Connection.new(@there, timeouts: { write: 0.05 })
    assert_layer(:timeout) { connection.send({}, "x" * (8 << 20)) }
    assert_layer(:stream) { connection.send({}, nil) }
  end

  def test_threads_do_not_mix_frames
    connection = Connection.new(@there)
    sending = Array.new(8) { |i| Thread.new { 50.times { connection.send({ i: i }, i.to_s * 3000) } } }
    reading = Connection.new(@here)
    400.times do
      frame = reading.recv
      assert_equal frame.header["i"].to_s * 3000, frame.body
    end
    sending.each(&:join)
  end

  def test_a_stream_that_ends_or_breaks
    @here.write("0:}5:he")
    @here.close
    assert_layer(:short) { Connection.new(@there).recv }
    @there.close
    assert_layer(:stream) { Connection.new(@there).recv }
    assert_layer(:stream) { Connection.new(@there).send({}) }
  end

  def test_nobody_listens
    server = TCPServer.new("127.0.0.1", 0)
    port = server.local_address.ip_port
    server.close
    assert_layer(:stream) { Connection.connect("127.0.0.1", port) }
  end

  # Not even :value, as the name is none; but a wrong keyword is an ArgumentError, also here.
  def test_names_that_are_none
    assert_layer(:stream) { Connection.connect("a\0b", 1) }
    assert_layer(:stream) { Connection.connect("127.0.0.1", "a\0b") }
    assert_raises(ArgumentError) { Connection.connect("a\0b", 1, timeouts: { patience: 1 }) }
  end

  # Peers that take a connection and say nothing.
  def test_the_wait_for_an_answer
    began = Petrichor::Channel.now
    assert_layer(:timeout) { Connection.greet(@here, timeouts: { connect: 0.05 }) }
    assert_predicate @here, :closed?
    with_server do |port, _server|
      assert_layer(:timeout) { Connection.connect("127.0.0.1", port, timeouts: { connect: 0.05 }) }
    end
    assert_operator Petrichor::Channel.now - began, :<, 5
  end

  # A host whose queue of connections is full does not even take one.
  def test_the_wait_for_a_connection
    with_server do |port, server|
      server.listen(0)
      waiting = Array.new(3) { Socket.new(:INET, :STREAM) }
      waiting.each { |socket| socket.connect_nonblock(Socket.sockaddr_in(port, "127.0.0.1"), exception: false) }
      began = Petrichor::Channel.now
      assert_layer(:stream) { Connection.connect("127.0.0.1", port, timeouts: { connect: 0.1 }) }
      assert_operator Petrichor::Channel.now - began, :<, 5
      waiting.each(&:close)
    end
  end

  def test_a_wrong_keyword_leaves_nothing_open
    with_server do |port, server|
      assert_raises(ArgumentError) { Connection.connect("127.0.0.1", port, patience: 1) }
      peer = server.accept
      assert peer.wait_readable(5), "it is open"
      assert_nil peer.read(1)
      peer.close
    end
  end

  def with_server
    server = TCPServer.new("127.0.0.1", 0)
    yield server.local_address.ip_port, server
  ensure
    server.close
  end

  def test_greet_closes_whatever_is_raised
    [[ArgumentError, { patience: 1 }], [ArgumentError, { timeouts: { patience: 1 } }], [Petrichor::Error, {}],
     [Interrupt, {}]].each do |raised, options|
      input, output = Array.new(2) { StringIO.new }
      input.define_singleton_method(:read_nonblock) { |*, **| raise Interrupt } if raised == Interrupt
      assert_raises(raised) { Connection.greet(input, output: output, **options) }
      assert input.closed? && output.closed?, [raised, options].inspect
    end
  end

  # What went wrong first is what is raised.
  def test_greet_when_closing_fails_too
    input = StringIO.new("9999999999")
    input.define_singleton_method(:close) { raise Errno::EIO }
    output = StringIO.new
    assert_layer(:syntax) { Connection.greet(input, output: output) }
    assert_predicate output, :closed?
  end

  def test_one_io_for_each_direction
    out = StringIO.new
    connection = Connection.new(StringIO.new("0:}1:a,"), output: out)
    connection.send({}, connection.recv.body)
    assert_nil connection.recv
    assert_equal "0:}1:a,", out.string
  end

  def test_limits
    @here.write("0:}1048577:")
    assert_layer(:limit) { Connection.new(@there).recv }
    assert_equal 11, assert_raises(Petrichor::Error) { Petrichor::Reader.new(size: 10).feed("0:}0:~0:}11:").tap(&:next).next }.offset
  end
end
