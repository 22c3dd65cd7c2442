# frozen_string_literal: true

require_relative "helper"
require "rbconfig"

class ExamplesTest < Minitest::Test
  FILES = 40 # that the server may have open

  def setup
    @server = IO.popen([RbConfig.ruby, "-I#{__dir__}/../lib", "#{__dir__}/../examples/echo_server.rb", "127.0.0.1", "0",
                        { rlimit_nofile: FILES, err: File::NULL }])
    @port = Integer(@server.gets[/\d+$/], 10)
  end

  def teardown
    Process.kill(:KILL, @server.pid)
    @server.close
  end

  # A peer that opens more connections than the server has files takes them away for as long as it stays.
  def test_more_connections_than_files
    many = Array.new(2 * FILES) { TCPSocket.new("127.0.0.1", @port) }
    sleep 0.2
    many.each(&:close)
    connection = Petrichor::Connection.connect("127.0.0.1", @port)
    assert_equal "hi", connection.request({}, "hi").body
    connection.close
  end
end
