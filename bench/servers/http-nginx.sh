# http-nginx.sh ADDRESS FOLDER: nginx in one process, with sendfile and a cache of open files. It exits when its parent exits.
folder=$2
port=$((20000 + $$ % 10000))
cat >"$folder/nginx.conf" <<CONF
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log stderr crit;
user root;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=256;
  open_file_cache_valid 1s;
  keepalive_requests 1000000000;
  client_body_temp_path $folder/nginx-body;
  proxy_temp_path $folder/nginx-proxy;
  fastcgi_temp_path $folder/nginx-fastcgi;
  uwsgi_temp_path $folder/nginx-uwsgi;
  scgi_temp_path $folder/nginx-scgi;
  server { listen 127.0.0.1:$port; root $folder; }
}
CONF
echo "ready tcp:127.0.0.1:$port"
exec setpriv --pdeathsig TERM nginx -c "$folder/nginx.conf" -e stderr
